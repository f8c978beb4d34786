package measure

// Metric declares one figure. Tables, JSON, help and the README take their words from here and from nowhere else.
type Metric struct {
	Key       string `json:"key"`   // the name in JSON and CSV
	Title     string `json:"title"` // for people, in lower case
	Unit      string `json:"unit"`
	Direction string `json:"direction"` // what a higher value says; "" where it says neither good nor bad
	Formula   string `json:"formula"`
	Source    string `json:"source"` // where the definition comes from
}

// The keys of the metrics.
const (
	KeyCommits                   = "commits"
	KeyAdded                     = "added"
	KeyRemoved                   = "removed"
	KeyChanged                   = "changed"
	KeyLines                     = "lines"
	KeyGrowth                    = "growth"
	KeyWritten                   = "written"
	KeyImported                  = "imported"
	KeyEntered                   = "entered"
	KeyLeft                      = "left"
	KeyMembers                   = "members"
	KeyContributors              = "contributors"
	KeyCumulative                = "cumulative"
	KeyShare                     = "share"
	KeyOfKnown                   = "of_known"
	KeyCoverage                  = "coverage"
	KeyElephantFactor            = "elephant_factor"
	KeyAbsenceFactor             = "contributor_absence_factor"
	KeyHHI                       = "hhi"
	KeyEffectiveNumber           = "effective_number"
	KeyBulk                      = "bulk"
	KeyChangedHere               = "changed_here"
	KeySurviving                 = "surviving"
	KeyLinesHere                 = "lines_here"
	KeyHalfLife                  = "half_life"
	KeyActive                    = "active"
	KeyDegree                    = "degree"
	KeyStrength                  = "strength"
	KeyBetweenness               = "betweenness"
	KeyPageRank                  = "pagerank"
	KeyHarmonic                  = "harmonic_closeness"
	KeyCore                      = "core_number"
	KeyCommunity                 = "community"
	KeyModularity                = "modularity"
	KeyDegreeCentralization      = "degree_centralization"
	KeyBetweennessCentralization = "betweenness_centralization"
	KeyGroupDegree               = "group_degree"
	KeyGroupBetweenness          = "group_betweenness"
	KeyMergedBetweenness         = "merged_betweenness"
	KeySeats                     = "seats"
	KeyGuarded                   = "guarded"
	KeyReviews                   = "reviews"
	KeyExposed                   = "exposed"
	KeyProposals                 = "merged_proposals"
	KeyAccepted                  = "accepted"
	KeyTimeToMerge               = "days_median"
	KeyReturn                    = "return"
	KeySeatShare                 = "seat_share"
)

// Metrics is the table of all metrics, in the order in which reports explain them. Not to be changed.
//
// K is the sum over known organizations, U what belongs to nobody known, T = K + U. Bots, AI agents and bulk imports are outside of T.
var Metrics = []Metric{
	{
		KeyCommits, "commits", "commits", "more activity",
		"non-merge commits reachable from the branch that was read, each id once in the ecosystem, not by bots or AI agents; bulk imports are in it and outside of T",
		"gitdm's changesets; CHAOSS Code Changes counts merges too",
	},
	{
		KeyAdded, "lines added", "lines", "more activity",
		"sum of the first column of git log --numstat -M over commits; binary files count 0; the repository that owns a commit is the first in key order",
		"git",
	},
	{
		KeyRemoved, "lines removed", "lines", "more activity",
		"sum of the second column of git log --numstat -M over commits; binary files count 0",
		"git",
	},
	{
		KeyChanged, "lines changed", "lines", "more activity",
		"added + removed",
		"sums, not the larger of both as in gitdm",
	},
	{
		KeyLines, "lines", "lines", "a larger tree",
		"text lines of files and symbolic links in the snapshot at a moment, an incomplete last line is a line; moments by the running maximum of committer dates along first parents",
		"the snapshots",
	},
	{
		KeyGrowth, "growth", "lines", "a growing tree",
		"lines at the end - lines at the start = sum of added - removed along first parents",
		"the snapshots; the sum over non-merge commits is another thing, see the reconciliation",
	},
	{
		KeyWritten, "written", "lines", "",
		"growth - imported; in waterfalls growth while repositories belong to the ecosystem, so lines at the end = lines at the start + written + imported + entered - left",
		"the reconciliation",
	},
	{
		KeyImported, "imported", "lines", "",
		"added - removed of bulk imports, and of history that another repository of the ecosystem holds too, as they landed on the first parents in the period",
		"the reconciliation",
	},
	{
		KeyEntered, "entered", "lines", "",
		"lines that stood in repositories that joined the ecosystem in the period, when they did",
		"the history of the list that names the repositories",
	},
	{
		KeyLeft, "left", "lines", "",
		"lines that stood in repositories that left the ecosystem in the period, when they did",
		"the history of the list that names the repositories",
	},
	{
		KeyMembers, "members", "repositories", "a larger ecosystem",
		"repositories that the list names at a moment, along its first parents, by the running maximum of committer dates; one that takes another's place in a checkout by the same commit is the same, renamed",
		"the history of the list that names the repositories; as listed today where there is none",
	},
	{
		KeyContributors, "contributors", "persons", "more people",
		"distinct authors of commits, as a range: persons after joins, addresses, names, pairs of both; not additive over organizations or periods",
		"CHAOSS Contributors",
	},
	{
		KeyCumulative, "contributors since the start", "persons", "",
		"distinct authors of commits dated before the end of the period",
		"what communities publish most",
	},
	{
		KeyShare, "share", "ratio", "",
		"from x/T to (x+U)/T: worst-case bounds, no confidence interval; the upper bounds of all cannot hold together",
		"worst-case bounds of partial identification (Manski)",
	},
	{
		KeyOfKnown, "share of known", "ratio", "",
		"x/K: assumes that the unknown is like the known, and mostly it is not",
		"gitdm, DevStats",
	},
	{
		KeyCoverage, "coverage", "ratio", "less is unknown",
		"K/T",
		"",
	},
	{
		KeyElephantFactor, "elephant factor", "organizations", "less concentrated",
		"smallest k with x1+...+xk >= T/2; low: all of U in the top k, high: every unknown person apart, of known: over K",
		"CHAOSS Elephant Factor; DevStats takes > 0.5 of known",
	},
	{
		KeyAbsenceFactor, "contributor absence factor", "persons", "less concentrated",
		"smallest k with x1+...+xk >= T/2 over persons",
		"CHAOSS Contributor Absence Factor, formerly bus factor",
	},
	{
		KeyHHI, "Herfindahl-Hirschman index", "points of 10,000", "more concentrated",
		"10000 sum(x^2)/T^2; low: every unknown person apart, high: all of U with the largest, of known: over K",
		"above 1,800 is highly concentrated (US merger guidelines 2023)",
	},
	{
		KeyEffectiveNumber, "effective number", "organizations", "less concentrated",
		"10000/HHI",
		"Laakso and Taagepera 1979",
	},
	{
		KeyBulk, "bulk imports", "commits", "",
		bulkRule,
		"the largest 1 % of commits often holds most of the added lines",
	},
	{
		KeyChangedHere, "lines changed here", "lines", "more activity",
		"added + removed in files that are written here: neither vendored (nor in a third-party repository), nor generated, nor binary; commits_here, added_here and removed_here likewise",
		"the classes of paths",
	},
	{
		KeySurviving, "surviving lines", "lines", "",
		"lines of a snapshot by who wrote the commit that git blame names (no -M, -C, -w; renames of whole files followed), in every repository that holds the line; bulk imports, bots and AI agents outside of T; lines whose commit is not known are in U",
		"git blame; standing text, not value: it rewards verbosity and reformatting",
	},
	{
		KeyLinesHere, "surviving lines written here", "lines", "",
		"surviving lines of files that are written here: neither vendored (nor in a third-party repository), nor generated, nor binary",
		"the classes of paths",
	},
	{
		KeyHalfLife, "half-life of lines", "months", "longer-lived code",
		"least age a with S(a) <= 1/2, S(a) the product over i <= a of 1 - d(i)/n(i): n(i) lines at risk at age i, d(i) of them removed; age: calendar months since the lines of the commit first stood in the branch that is read; moved files are the same lines, what stands on the as-of day is censored",
		"product-limit estimate (Kaplan and Meier 1958), with delayed entry for lines that come back; no error is given, for lines go in groups",
	},
	{
		KeyActive, "lines of active authors", "ratio", "authors are still there",
		"surviving lines of persons with a commit in the twelve months before the as-of day, for whomever / surviving lines, both without lines of nobody known",
		"authors with a commit, as in contributors",
	},
	{
		KeySeats, "seats", "seats", "more say",
		"a person, a role and what it is for, as CODEOWNERS, OWNERS, MAINTAINERS, INFO.yaml and sig-info.yaml state them on a day; by organization at that day, shares of all but machines' seats",
		"the files' history, month by month; where nothing is stated, nothing is counted",
	},
	{
		KeyGuarded, "guarded lines", "lines", "more say",
		"surviving lines of files that are neither vendored (nor in a third-party repository), nor generated, nor binary, in the care of an organization's people, a line with several guardians divided evenly; shares of the lines that anybody guards, whose share of all lines stands beside",
		"CHAOSS names a weighted share of code owners; the last pattern of CODEOWNERS that fits, else the nearest of the other files",
	},
	{
		KeyReviews, "reviews", "acts", "more say",
		"reviews (Reviewed-by, Acked-by), approvals (Approved-by, Merged-by, an account's Signed-off-by) and integrations (committer or sign-off of another person than the author), once a person, commit and kind; of forges that were asked, verdicts on merged pull requests (reviews) and who merged (approvals), where git does not tell the same of the person; not by machines",
		"trailers, what forges write into merges, committers, pull requests; where no forge was asked, what only it knows is not in it",
	},
	{
		KeyExposed, "exposed", "ratio", "more hangs on it",
		"surviving lines of files that are neither vendored (nor in a third-party repository), nor generated, nor binary, with an active author (a commit in the 365 days before) or a guardian, that have none but the organization's people (contractors with their client), of all such lines; the higher figure takes everybody whose organization is not known for its",
		"the work of removal: static arithmetic, no forecast",
	},
	{
		KeyProposals, "proposals merged", "proposals", "more is taken in",
		"merges along first parents that a forge's message marks (!12 title, Merge pull request #12, Created-by), and squash merges (title (#12)), by the author of the second parent or of the squashed commit; of forges that were asked, their pull requests instead; not of machines; outsiders are others than the leading organization (most commits of all time, contractors with their clients), its subsidiaries and contractors",
		"merge messages; what only a forge knows is not in it",
	},
	{
		KeyAccepted, "share of proposals merged", "ratio", "more is taken in",
		"merged / (merged + closed without a merge), of those opened in the period, with Wilson's 95 % interval; open ones stand beside it; unknown where no forge was asked, since git keeps no trace of what was not merged",
		"CHAOSS Change Request Acceptance Ratio; Wilson 1927",
	},
	{
		KeyTimeToMerge, "time to merge", "days", "slower",
		"median of the time from the opening to the merge, of merged proposals; where only git is known, from the author date of the oldest commit that the merge brought, which may be before the opening; none for squash merges",
		"CHAOSS Change Request Duration",
	},
	{
		KeyReturn, "return after a first commit", "ratio", "newcomers stay",
		"newcomers with a commit on a later day within 365 days of their first / newcomers whose 365 days are over on the as-of day, with Wilson's 95 % interval; return_later: more than 30 days after; commits without bulk imports, by the organization of the first",
		"CHAOSS Contributor Retention; Wilson 1927",
	},
	{
		KeySeatShare, "newcomers with a seat", "ratio", "newcomers get a say",
		"1 - S(24 months), S the product-limit estimate of the time from the first commit to the first seat in any repository but a reviewer's, over newcomers without a seat by then; who was watched for less counts for as long",
		"Kaplan and Meier 1958; seats as stated by files, month by month",
	},
	{
		KeyDegree, "degree", "organizations", "a wider network",
		"number of organizations that worked in a repository where this one did too, in the period; no direction, no weights",
		"graph theory",
	},
	{
		KeyStrength, "strength", "commits", "a denser network",
		"sum over other organizations, and over the repositories shared with each, of the smaller of both numbers of commits: what was done side by side; no direction",
		"Barrat and others 2004, of a projection by minima",
	},
	{
		KeyBetweenness, "betweenness", "ratio", "stands between others",
		"share of the (n-1)(n-2)/2 pairs of other organizations whose shortest paths lead over this one, equal paths by parts; no direction, no weights",
		"Freeman 1977; Brandes 2001; as NetworkX with normalized=True",
	},
	{
		KeyPageRank, "PageRank", "ratio", "works beside those who work beside many",
		"share of time that a walk along shared work spends here: damping 0.85, weighted by commits side by side; adds up to 1",
		"Brin and Page 1998; as NetworkX",
	},
	{
		KeyHarmonic, "harmonic closeness", "ratio", "near to all others",
		"mean of 1/distance to the other organizations, 0 where there is no path; no direction, no weights",
		"Marchiori and Latora 2000; as NetworkX / (n-1)",
	},
	{
		KeyCore, "core number", "organizations", "in the thick of it",
		"largest k such that the organization is in a part of the network where everybody has k neighbours in that part; no weights",
		"Seidman 1983; as NetworkX",
	},
	{
		KeyCommunity, "community", "number", "",
		"number of the group of organizations that have more work side by side than their sums would give, 0 the largest; of one period only",
		"Traag, Waltman and van Eck 2019, with fixed order",
	},
	{
		KeyModularity, "modularity", "ratio", "falls apart into groups",
		"share of the weight within communities less what sums would give, resolution 1",
		"Newman and Girvan 2004; as NetworkX",
	},
	{
		KeyDegreeCentralization, "degree centralization", "ratio", "turns around one",
		"sum of the largest degree less each / (n-1)(n-2); no weights",
		"Freeman 1978",
	},
	{
		KeyBetweennessCentralization, "betweenness centralization", "ratio", "turns around one",
		"sum of the largest betweenness less each / its largest value, that of a star; no weights",
		"Freeman 1977",
	},
	{
		KeyGroupDegree, "group degree", "ratio", "works with many",
		"of the people outside of the organization, the share that changed a file in the period which one of its people changed too; beside the mean of 50 random sets of as many people, for it grows with size; files that more than 30 people changed join nobody; no weights",
		"Everett and Borgatti 1999; as NetworkX",
	},
	{
		KeyGroupBetweenness, "group betweenness", "ratio", "stands between others",
		"share of the pairs of people outside of the organization whose shortest paths over shared files lead through its people; beside the mean of 50 random sets of as many people; estimated from sampled paths where there are many, with the error that all organizations of the period keep below with a probability of 90 %; no weights",
		"Everett and Borgatti 1999; Riondato and Kornaropoulos 2014",
	},
	{
		KeyMergedBetweenness, "betweenness of the merged node", "ratio", "stands between others",
		"betweenness in the same network with all people of each organization as one node, and everybody else as they are; no weights",
		"Everett and Borgatti 1999",
	},
}

// MetricByKey gives the declaration of a key. An unknown key is a mistake of the caller's, and panics.
func MetricByKey(key string) Metric {
	for _, m := range Metrics {
		if m.Key == key {
			return m
		}
	}
	panic("no metric " + key)
}
