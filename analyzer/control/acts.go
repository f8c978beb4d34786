package control

import (
	"cmp"
	"slices"
	"strings"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// actsOf reads who looked at, let in or took in the changes of others: from trailers, from what forges write into merges, and from
// committers. Mentions are into the reviewers, who are in the order in which they come. Who did it to a change of their own is found when people are known.
func actsOf(r *facts.Repository) (acts []Act, reviewers []people.Mention) {
	named := map[string]int32{} // by value of a trailer
	for row := range r.Commits {
		c := &r.Commits[row]
		author, ok := authorOf(r, row)
		if !ok {
			continue
		}
		add := func(kind Kind, mention int32, signature uint32) {
			acts = append(acts, Act{Commit: uint32(row), Author: author, Kind: kind, Mention: mention, Signature: signature, When: c.Committed, Opener: -1})
		}
		for _, t := range r.Trailers[c.Trailers.Lo:c.Trailers.Hi] {
			kind, account := actOf(t)
			if kind == 0 || kind == Integration && strings.Contains(t.Value, "<"+r.Signatures[author].Email+">") {
				continue // nothing of the kind, or one's own
			}
			key := t.Value
			if account {
				key = "@" + strings.TrimPrefix(key, "@")
			}
			n, ok := named[key]
			if !ok {
				n = -1
				if who, ok := reviewer(t.Value, account); ok {
					n = int32(len(reviewers))
					reviewers = append(reviewers, who)
				}
				named[key] = n
			}
			if n >= 0 {
				add(kind, n, facts.None)
			}
		}
		switch {
		case c.Committer != c.Author:
			add(Integration, -1, c.Committer)
		case c.IsMerge() && c.Author != author:
			add(Integration, -1, c.Author)
		}
	}
	return acts, reviewers
}

// authorOf gives the signature of whoever wrote the change that a commit brings: of a merge, the author of the second parent.
func authorOf(r *facts.Repository, row int) (signature uint32, ok bool) {
	c := &r.Commits[row]
	if !c.IsMerge() {
		return c.Author, true
	}
	second := r.Parents[c.Parents.Lo+1]
	if second == facts.None {
		return 0, false
	}
	return r.Commits[second].Author, true
}

// ReadForges adds what forges tell of pull requests that were merged: verdicts of reviewers, and who merged. It comes after [Read], and before
// people are resolved. Lists are parallel to the repositories that Read was given; places are where these lie. What was asked of somebody, or was
// taken back, is no act; nor is what somebody did with an own request.
func (b *Book) ReadForges(forges []*facts.Forge, repositories []*facts.Repository, places []facts.Place) {
	of := map[facts.Told]int{}
	for i, t := range facts.TellOf(forges, places) {
		of[t] = i
	}
	for _, f := range forges {
		mentions := map[uint32]int32{}
		mention := func(account uint32) int32 {
			n, ok := mentions[account]
			if !ok {
				n = int32(b.Mention(people.Mention{Accounts: []string{f.Key(&f.Accounts[account])}}))
				mentions[account] = n
			}
			return n
		}
		for k := range f.Repositories {
			told := &f.Repositories[k]
			i, ok := of[facts.Told{Forge: f, Repository: k}]
			if !ok {
				continue
			}
			r := repositories[i]
			rows := map[facts.ID]int{}
			pulls := f.Pulls[told.Pulls.Lo:told.Pulls.Hi]
			for p := range pulls {
				if !pulls[p].Merge.IsZero() {
					rows[pulls[p].Merge] = -1
				}
			}
			for row := range r.Commits {
				if _, ok := rows[r.Commits[row].ID]; ok {
					rows[r.Commits[row].ID] = row
				}
			}
			for p := range pulls {
				pull := &pulls[p]
				if pull.State != facts.PullMerged {
					continue
				}
				merged := facts.Time{Unix: cmp.Or(pull.Merged, pull.Closed), Valid: cmp.Or(pull.Merged, pull.Closed) != 0}
				one := Act{Commit: facts.None, Author: facts.None, Signature: facts.None, Pull: pull.Number, Opener: -1}
				if row, ok := rows[pull.Merge]; ok && row >= 0 {
					if author, ok := authorOf(r, row); ok {
						one.Commit, one.Author = uint32(row), author
						if !merged.Valid {
							merged = r.Commits[row].Committed
						}
					}
				}
				if pull.Author != facts.None {
					one.Opener = mention(pull.Author)
				}
				add := func(kind Kind, account uint32, when facts.Time) {
					if account == facts.None || account == pull.Author {
						return
					}
					act := one
					act.Kind, act.Mention, act.When, act.Machine = kind, mention(account), when, f.Accounts[account].Kind == facts.BotAccount
					b.Acts[i] = append(b.Acts[i], act)
				}
				for _, review := range f.Reviews[pull.Reviews.Lo:pull.Reviews.Hi] {
					when := merged
					if review.At != 0 {
						when = Moment(review.At)
					}
					switch review.Verdict {
					case facts.Commented, facts.Approved, facts.Rejected:
						add(Review, review.Reviewer, when)
					}
				}
				add(Approval, pull.Merger, merged)
			}
		}
	}
	for _, i := range of {
		// What is known of one change stands together, git's word first.
		slices.SortStableFunc(b.Acts[i], func(x, y Act) int { return cmp.Or(cmp.Compare(x.Commit, y.Commit), cmp.Compare(x.Pull, y.Pull)) })
	}
}

// actOf says what a trailer tells of, and whether its value is the account of somebody at a forge.
func actOf(t facts.Trailer) (kind Kind, account bool) {
	account = strings.HasPrefix(t.Value, "@")
	switch strings.ToLower(t.Key) {
	case "reviewed-by", "acked-by":
		return Review, account
	case "approved-by":
		return Approval, account
	case "merged-by": // GitCode
		return Approval, true
	case "signed-off-by":
		if account { // where openEuler's account merges
			return Approval, true
		}
		return Integration, false
	}
	return 0, false
}

// reviewer reads the value of a trailer.
func reviewer(value string, account bool) (who people.Mention, ok bool) {
	if account && !strings.ContainsAny(value, "<>") {
		who.Accounts = accounts(value)
		return who, who.Accounts != nil
	}
	if m := mailbox.FindStringSubmatch(value); m != nil {
		return people.Mention{Name: m[1], Email: m[2]}, true
	}
	return who, false
}
