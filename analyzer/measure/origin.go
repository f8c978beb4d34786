package measure

import (
	"fmt"
	"slices"
	"strings"

	"orrery/analyzer/facts"
	"orrery/analyzer/people"
)

// insiders are who belongs to an ecosystem: those who work in its own repositories, and the organizations that do.
type insiders struct{ persons, buckets []bool }

func (in *insiders) has(a *actor) bool { return in.persons[a.person] || in.buckets[a.bucket] }

// insiders finds them; nil if no repository is the ecosystem's own.
func (m *measurement) insiders() *insiders {
	in := &insiders{make([]bool, m.sizes.persons), make([]bool, m.sizes.buckets)}
	seen := false
	for i := range m.entries {
		e := &m.entries[i]
		if e.state != counted || m.repositories[e.rank].Class != "own" {
			continue
		}
		a := &m.actors[e.actor]
		seen, in.persons[a.person] = true, true
		if int(a.bucket) < m.sizes.organizations {
			in.buckets[a.bucket] = true
		}
	}
	if !seen {
		return nil
	}
	return in
}

// foreign finds histories that came from elsewhere: for every commit, which of the histories it is in (index + 1), 0 for none.
func (m *measurement) foreign(r *mined, entries []entry, corrections map[uint32]*Correction, in *insiders) (of []uint32, histories []BulkImport) {
	of = make([]uint32, len(entries))
	begin := func(reason, evidence string) uint32 {
		histories = append(histories, BulkImport{
			Repository: r.Repository.Key, Person: -1, Organization: people.NoOrganization, Reason: reason, Evidence: evidence,
		})
		return uint32(len(histories))
	}
	for _, row := range sortedRows(corrections) {
		if c := corrections[row]; c.Is == IsUpstream {
			r.mark(of, row, begin(BulkCorrected, "upstream history: "+c.Reason))
		}
	}
	if len(r.Steps) == 0 {
		return of, histories
	}
	if r.Class == ThirdParty && in != nil {
		r.upstream(of, entries, m.actors, in, begin)
	} else {
		r.joined(of, begin)
	}
	return of, histories
}

func sortedRows(corrections map[uint32]*Correction) []uint32 {
	var rows []uint32
	for row := range corrections {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	return rows
}

// mark puts a commit and all before it into a history.
func (r *mined) mark(of []uint32, row, history uint32) {
	stack := []uint32{row}
	for len(stack) > 0 {
		c := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if of[c] == 0 {
			of[c] = history
			parents := r.Commits[c].Parents
			stack = append(stack, r.Parents[parents.Lo:parents.Hi]...)
		}
	}
}

// upstream tells upstream's history from that of the ecosystem in a repository that was taken over.
//
// Along first parents, a step is ours if an insider wrote something of what it brought, and upstream's if only others did. The repository was
// taken over at the step for which the fewest steps are on the wrong side: ours before it, or upstream's after. One step has one vote, however
// much it merges; single insiders who worked upstream, and single outsiders who work here, do not move it. Upstream's are the commits that had
// landed by then, and those by outsiders that do not build on what came since: later merges from upstream.
func (r *mined) upstream(of []uint32, entries []entry, actors []actor, in *insiders, begin func(reason, evidence string) uint32) {
	const nobody, outsiders, ours = 0, 1, 2
	votes := make([]uint8, len(r.Steps))
	for i := range entries {
		if e := &entries[i]; e.state == counted || e.state == duplicate && e.actor != facts.None {
			vote := uint8(outsiders)
			if in.has(&actors[e.actor]) {
				vote = ours
			}
			votes[r.landed[i]] = max(votes[r.landed[i]], vote)
		}
	}
	wrong := 0
	for _, v := range votes {
		if v == outsiders {
			wrong++
		}
	}
	cut, least := 0, wrong
	for s, v := range votes {
		switch v {
		case ours:
			wrong++
		case outsiders:
			wrong--
		}
		if wrong < least {
			cut, least = s+1, wrong
		}
	}
	builds := make([]bool, len(entries))
	history := uint32(0)
	for i := range r.Commits {
		c := &r.Commits[i]
		builds[i] = c.Step != facts.None && int(c.Step) >= cut
		for _, p := range r.Parents[c.Parents.Lo:c.Parents.Hi] {
			builds[i] = builds[i] || builds[p]
		}
		e := &entries[i]
		if of[i] != 0 || e.actor == facts.None {
			continue
		}
		if int(r.landed[i]) < cut || !builds[i] && !in.has(&actors[e.actor]) {
			if history == 0 {
				evidence := "merged from others, who wrote nothing in the ecosystem's own repositories"
				if cut > 0 {
					evidence = "landed before the ecosystem took over"
					if cut < len(r.Steps) {
						evidence += " with " + r.Commits[r.Steps[cut].Commit].ID.String()[:12]
					}
					evidence += fmt.Sprintf(" (%d of %d steps on the wrong side of that); or merged from others since", least, len(r.Steps))
				}
				history = begin(BulkUpstream, evidence)
			}
			of[i] = history
		}
	}
}

// joined finds the history of other roots than that of the first parents, as far as it is from before it was joined: what a subtree merge
// brings. What is added to such a history later, and joined again, is work.
func (r *mined) joined(of []uint32, begin func(reason, evidence string) uint32) {
	// since gives for commits that do not come from the main root the step that the oldest root of theirs landed with.
	since := make([]uint32, len(r.Commits))
	brought := map[uint32]int{}
	for i := range r.Commits {
		c := &r.Commits[i]
		since[i] = facts.None
		if c.Parents.Len() == 0 && c.Step == facts.None {
			since[i] = r.landed[i]
		}
		for k, p := range r.Parents[c.Parents.Lo:c.Parents.Hi] {
			if since[p] == facts.None {
				since[i] = facts.None // comes from the main root, too
				break
			}
			if k == 0 || since[p] < since[i] {
				since[i] = since[p]
			}
		}
		if since[i] != facts.None && since[i] == r.landed[i] {
			brought[since[i]]++
		}
	}
	if len(brought) == 0 {
		return
	}
	before := make([]int, len(r.Steps)+1) // commits that had landed before a step
	for _, s := range r.landed {
		before[s+1]++
	}
	for s := range r.Steps {
		before[s+1] += before[s]
	}
	histories := map[uint32]uint32{}
	for i := range r.Commits {
		s := since[i]
		// Where the larger history joins the smaller one, it is the repository's own, and the other a beginning that a forge made.
		if of[i] != 0 || s == facts.None || s != r.landed[i] || brought[s] > before[s] {
			continue
		}
		if histories[s] == 0 {
			histories[s] = begin(BulkSubtree, "history of another root, joined by "+r.Commits[r.Steps[s].Commit].ID.String()[:12])
		}
		of[i] = histories[s]
	}
}

// sizeOf measures a commit that is too small to be a candidate.
func (r *mined) sizeOf(row uint32) (s size) {
	for i := r.Commits[row].Changes.Lo; i < r.Commits[row].Changes.Hi; i++ {
		s.add(&r.Changes[i], 0)
	}
	return s
}

// correct finds the commits that corrections speak of: by repository and row.
func (m *measurement) correct() []map[uint32]*Correction {
	out := make([]map[uint32]*Correction, len(m.repositories))
	if len(m.in.Bulk) == 0 {
		return out
	}
	const digits = 7
	ranks := map[string]int{}
	for rank := range m.repositories {
		ranks[m.repositories[rank].Repository.Key] = rank
	}
	// by the repository and the first digits
	type place struct {
		rank   int
		prefix string
	}
	wanted := map[place][]int{}
	for i, c := range m.in.Bulk {
		for _, key := range c.Repositories {
			if rank, ok := ranks[key]; ok && len(c.Commit) >= digits {
				at := place{rank, c.Commit[:digits]}
				wanted[at] = append(wanted[at], i)
			}
		}
	}
	asked := make([]bool, len(m.repositories))
	for at := range wanted {
		asked[at.rank] = true
	}
	met := make([][]entryAt, len(m.in.Bulk))
	for rank := range m.repositories {
		if !asked[rank] {
			continue
		}
		for row := range m.repositories[rank].Commits {
			id := m.repositories[rank].Commits[row].ID.String()
			for _, i := range wanted[place{rank, id[:digits]}] {
				if strings.HasPrefix(id, m.in.Bulk[i].Commit) {
					met[i] = append(met[i], entryAt{rank, uint32(row)})
				}
			}
		}
	}
	for i := range m.in.Bulk {
		c := &m.in.Bulk[i]
		ids := map[facts.ID]bool{}
		for _, at := range met[i] {
			ids[m.repositories[at.rank].Commits[at.row].ID] = true
		}
		switch {
		case len(c.Repositories) == 0:
			m.warn("%s: bulk correction of %s: its pattern fits no repository that was read", c.Place, c.Commit)
		case len(ids) == 0:
			m.warn("%s: bulk correction of %s: no commit has this id", c.Place, c.Commit)
		case len(ids) > 1:
			m.warn("%s: bulk correction of %s: %d commits have ids that begin so; none is corrected", c.Place, c.Commit, len(ids))
		default:
			used := c.Is == IsUpstream
			for _, at := range met[i] {
				e := &m.entries[m.repositories[at.rank].entries.Lo+at.row]
				used = used || e.state == counted
				if out[at.rank] == nil {
					out[at.rank] = map[uint32]*Correction{}
				}
				if other := out[at.rank][at.row]; other != nil {
					m.warn("%s: bulk correction of %s: %s speaks of the same commit, and is taken", c.Place, c.Commit, other.Place)
					continue
				}
				out[at.rank][at.row] = c
			}
			if !used {
				m.warn("%s: bulk correction of %s: it is a merge or by a machine, and counts as that", c.Place, c.Commit)
			}
		}
	}
	return out
}

// entryAt is a commit of a repository.
type entryAt struct {
	rank int
	row  uint32
}
