package measure

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"orrery/analyzer/facts"
	"orrery/analyzer/facts/spill"
	"orrery/analyzer/people"
)

// state is what a commit counts as.
type state uint8

const (
	counted state = iota
	bulk
	machine
	merge
	duplicate
)

// entry is one commit of one repository.
type entry struct {
	when                   int64  // author date, or undated
	added, removed         uint64 // lines; 0 for merges
	addedHere, removedHere uint64
	actor                  uint32 // into measurement.actors; facts.None for merges
	rank                   uint32 // of the repository
	row                    uint32 // into the repository's commits
	state                  state
	incomplete             bool // some rows could not be read
	here                   bool // a row is in a file that is written here
	imported               bool // a bulk import, or a duplicate of one
	credit                 bool // not the commit, but that it counts for a co-author too: without lines
}

// actor is one identity on behalf of one bucket: a few ten thousand of them stand for all commits, so that figures of a period add up into
// one small array first, and tell people apart only then.
type actor struct {
	person, address, name, pair uint32
	bucket, merged              uint32 // see measurement.sizes; merged: with contractors moved to their clients
	// inBucket and inMerged are dense indices of the distinct (bucket, person): what contributors of an organization are counted by.
	inBucket, inMerged uint32
}

// sizes are the lengths of the dense index spaces that actors point into. Buckets are the organizations, then the unknown classes, then bots
// and AI agents.
type sizes struct {
	persons, addresses, names, pairs int
	organizations, buckets           int
	inBucket, inMerged               int
}

// unknownClasses are the classes that make U, in the order of their buckets and rows.
var unknownClasses = [...]people.Class{people.Unknown, people.Personal, people.NoReply, people.Invalid, people.Withheld}

// bucket gives the bucket of an attribution by a person.
func (m *measurement) bucket(a people.Attribution, person *people.Person) (uint32, error) {
	organizations := len(m.in.Resolution.Organizations)
	class := a.Class
	if !class.Machine() && person.Machine.Machine() {
		class = person.Machine
	}
	switch {
	case class == people.Bot:
		return uint32(organizations + len(unknownClasses)), nil
	case class == people.Agent:
		return uint32(organizations + len(unknownClasses) + 1), nil
	case class.Known():
		if a.Organization < 0 || a.Organization >= organizations {
			return 0, fmt.Errorf("class %s with organization %d of %d", class, a.Organization, organizations)
		}
		return uint32(a.Organization), nil
	}
	if a.Organization != people.NoOrganization {
		return 0, fmt.Errorf("class %s with organization %d", class, a.Organization)
	}
	i := slices.Index(unknownClasses[:], class)
	if i < 0 {
		return 0, fmt.Errorf("class %d is none of the classes", class)
	}
	return uint32(organizations + i), nil
}

// mined is what is kept of a repository beside its entries.
type mined struct {
	*facts.Repository
	Membership
	position   int     // in the input
	clocks     []int64 // of Steps: the running maximum of valid committer dates, undated before the first
	replaced   int     // steps whose own clock could not be believed
	added      []uint64
	removed    []uint64 // of Steps: sums of all before
	entries    facts.Span
	credits    facts.Span // the entries of co-authors
	credited   []uint32   // their signatures
	coAuthors  []coAuthor
	rows       rowSums
	locals     []local     // the actors of the repository, by first use
	ranges     []ranged    // by Input.Ranges
	candidates []candidate // for bulk imports, by row
	landed     []uint32    // of Commits: the step that brought each to the first parents
	bulk       []BulkImport
	// reconciliations are by window.
	reconciliations []Reconciliation
	survivors
}

// rowSums are sums over all rows of changes, for the laws.
type rowSums struct{ added, removed uint64 }

// coAuthor is somebody whom a commit counts for beside its author.
type coAuthor struct {
	row       uint32 // into the repository's commits
	signature uint32
	actor     uint32 // into the repository's locals, then into measurement.actors
}

// local is an actor before it has an index in the ecosystem.
type local struct{ signature, bucket uint32 }

// tabulate fills repositories, entries and actors.
func (m *measurement) tabulate() error {
	m.repositories = make([]mined, len(m.order))
	var total uint32
	for rank, position := range m.order {
		r := &m.repositories[rank]
		r.position, r.Repository, r.Membership = position, m.in.Repositories[position], m.in.Membership[position]
		if r.Class == "" {
			r.Class = "own"
		}
		if m.in.Paths != nil {
			r.classified = m.in.Paths[position]
		}
		r.entries = facts.Span{Lo: total, Hi: total + uint32(len(r.Commits))}
		total = r.entries.Hi
	}
	if err := m.classify(); err != nil {
		return err
	}
	m.entries = make([]entry, total)
	stretches := m.stretches()
	if err := m.each(func(_, _ int, r *mined) error { return r.check(m.in.Resolution) }); err != nil {
		return err
	}
	if err := m.together(
		func() error { return m.each(func(_, _ int, r *mined) error { return m.walk(r) }) },
		func() error { return m.mineStretches(stretches) },
		func() error { return m.each(func(_, _ int, r *mined) error { return m.checkSurvival(r) }) },
	); err != nil {
		return err
	}
	if err := m.each(func(_, _ int, r *mined) error { return m.internLocals(r) }); err != nil {
		return err
	}
	m.markDuplicates()
	if err := m.internActors(); err != nil {
		return err
	}
	m.detectBulk()
	m.listBulk()
	m.creditCoAuthors()
	for i := range m.repositories {
		m.repositories[i].locals, m.repositories[i].candidates = nil, nil
	}
	m.note()
	return nil
}

// stretch is a part of the commits of a repository: [lo, hi). What is asked of each commit alone is done stretch by stretch, so that one large
// repository is work for all.
type stretch struct {
	rank, lo, hi uint32

	rows       rowSums
	candidates []candidate
}

// stretches cuts all repositories.
func (m *measurement) stretches() (all []stretch) {
	const commits = 1 << 16
	for rank := range m.repositories {
		n := uint32(len(m.repositories[rank].Commits))
		for lo := uint32(0); lo < n; lo += commits {
			all = append(all, stretch{rank: uint32(rank), lo: lo, hi: min(lo+commits, n)})
		}
	}
	return all
}

// walk goes along the steps of a repository.
func (m *measurement) walk(r *mined) (err error) {
	if err = m.ledger(r); err != nil {
		return err
	}
	if err = m.resolveRanges(r); err != nil {
		return err
	}
	r.landed, err = r.land()
	r.landed = spill.Keep(m.aside, r.landed)
	return err
}

// mineStretches fills entries, with buckets for actors.
func (m *measurement) mineStretches(all []stretch) error {
	failed := make([]error, len(all))
	m.parallel(len(all), func(_, i int) {
		if err := m.mineStretch(&all[i]); err != nil {
			failed[i] = fmt.Errorf("measuring %s: %w", m.repositories[all[i].rank].Repository.Key, err)
		}
	})
	for i := range all {
		r := &m.repositories[all[i].rank]
		r.rows.added += all[i].rows.added
		r.rows.removed += all[i].rows.removed
		r.candidates = append(r.candidates, all[i].candidates...)
	}
	return cmp.Or(failed...)
}

func (m *measurement) mineStretch(of *stretch) error {
	r := &m.repositories[of.rank]
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	persons := m.in.Resolution.Person[r.position]
	for i := of.lo; i < of.hi; i++ {
		c := &r.Commits[i]
		e := &entries[i]
		*e = entry{when: m.dated(c.Authored), rank: of.rank, row: i, actor: facts.None}
		if c.IsMerge() {
			e.state = merge
			continue
		}
		var s size
		for j := range r.Changes[c.Changes.Lo:c.Changes.Hi] {
			row := &r.Changes[int(c.Changes.Lo)+j]
			s.add(row, r.classified.Class[row.Path])
			if r.kinds[r.kindOf[row.Path]].here > 0 {
				e.here = true
				e.addedHere += uint64(row.Added)
				e.removedHere += uint64(row.Removed)
			}
		}
		e.added, e.removed, e.incomplete = s.added, s.removed, s.incomplete
		of.rows.added += s.added
		of.rows.removed += s.removed
		b, err := m.bucket(m.in.Resolution.Attribute(r.position, c.Author, c.Authored), &m.in.Resolution.Persons[persons[c.Author]])
		if err != nil {
			return fmt.Errorf("commit %s is attributed to %w", c.ID, err)
		}
		e.actor = b
		if int(b) >= len(m.in.Resolution.Organizations)+len(unknownClasses) {
			e.state = machine
		} else if r.candidate(c, &s) {
			of.candidates = append(of.candidates, candidate{size: s, row: i})
		}
	}
	return nil
}

// internLocals turns the buckets of entries into actors of the repository.
func (m *measurement) internLocals(r *mined) error {
	// Most signatures have one bucket for ever, so the last one is the likely one.
	last := make([]uint32, len(r.Signatures))
	for i := range last {
		last[i] = facts.None
	}
	interned := make(map[local]uint32, len(r.Signatures))
	entries := m.entries[r.entries.Lo:r.entries.Hi]
	for i := range entries {
		e := &entries[i]
		if e.state == merge {
			continue
		}
		author := r.Commits[i].Author
		at := last[author]
		if at == facts.None || r.locals[at].bucket != e.actor {
			key := local{author, e.actor}
			var ok bool
			if at, ok = interned[key]; !ok {
				at = uint32(len(r.locals))
				interned[key] = at
				r.locals = append(r.locals, key)
			}
			last[author] = at
		}
		e.actor = at
	}
	return m.mineCoAuthors(r, interned)
}

// mineCoAuthors finds the actors of co-authors.
func (m *measurement) mineCoAuthors(r *mined, interned map[local]uint32) error {
	resolution := m.in.Resolution
	if resolution.Credits == nil {
		return nil
	}
	for _, credit := range resolution.Credits[r.position] {
		if int(credit.Commit) >= len(r.Commits) || int(credit.Signature) >= len(r.Signatures) {
			return fmt.Errorf("a credit of commit %d by signature %d points outside of the facts", credit.Commit, credit.Signature)
		}
		c := &r.Commits[credit.Commit]
		person := resolution.Person[r.position][credit.Signature]
		b, err := m.bucket(resolution.Attribute(r.position, credit.Signature, c.Authored), &resolution.Persons[person])
		if err != nil {
			return fmt.Errorf("a co-author of commit %s is attributed to %w", c.ID, err)
		}
		if int(b) >= len(resolution.Organizations)+len(unknownClasses) {
			continue
		}
		key := local{credit.Signature, b}
		at, ok := interned[key]
		if !ok {
			at = uint32(len(r.locals))
			interned[key] = at
			r.locals = append(r.locals, key)
		}
		r.coAuthors = append(r.coAuthors, coAuthor{credit.Commit, credit.Signature, at})
	}
	return nil
}

// creditCoAuthors adds the entries of co-authors: of commits that are counted, or bulk imports, as the commit is.
func (m *measurement) creditCoAuthors() {
	for rank := range m.repositories {
		r := &m.repositories[rank]
		r.credits.Lo = uint32(len(m.entries))
		for _, a := range r.coAuthors {
			if e := m.entries[r.entries.Lo+a.row]; e.state == counted || e.state == bulk {
				r.credited = append(r.credited, a.signature)
				m.entries = append(m.entries, entry{
					when: e.when, actor: a.actor, rank: e.rank, row: e.row, state: e.state, here: e.here, imported: e.imported, credit: true,
				})
			}
		}
		r.credits.Hi = uint32(len(m.entries))
	}
}

// check makes sure that every index points somewhere, so that nothing behind it has to.
func (r *mined) check(resolution *people.Resolution) error {
	commits, changes := uint32(len(r.Commits)), uint32(len(r.Changes))
	signatures := len(r.Signatures)
	persons, addresses, names := len(resolution.Person[r.position]), len(resolution.Address[r.position]), len(resolution.Name[r.position])
	if persons != signatures || addresses != signatures || names != signatures {
		return fmt.Errorf("%d signatures, but persons, addresses and names of %d, %d and %d", signatures, persons, addresses, names)
	}
	for _, person := range resolution.Person[r.position] {
		if int(person) >= len(resolution.Persons) {
			return fmt.Errorf("a signature of person %d of %d", person, len(resolution.Persons))
		}
	}
	for i := range r.Commits {
		c := &r.Commits[i]
		if int(c.Author) >= signatures || c.Changes.Lo > c.Changes.Hi || c.Changes.Hi > changes ||
			c.Parents.Lo > c.Parents.Hi || int(c.Parents.Hi) > len(r.Parents) ||
			c.Trailers.Lo > c.Trailers.Hi || int(c.Trailers.Hi) > len(r.Trailers) {
			return fmt.Errorf("commit %s points outside of the facts", c.ID)
		}
	}
	for i := range r.Changes {
		if int(r.Changes[i].Path) >= len(r.Paths) {
			return fmt.Errorf("a row of path %d of %d", r.Changes[i].Path, len(r.Paths))
		}
	}
	for _, p := range r.Parents {
		if p >= commits {
			return fmt.Errorf("parent %d of %d commits", p, commits)
		}
	}
	for i := range r.Steps {
		if r.Steps[i].Commit >= commits {
			return fmt.Errorf("step %d is commit %d of %d", i, r.Steps[i].Commit, commits)
		}
	}
	return nil
}

// markDuplicates leaves every commit id to the first repository, by key, that holds it.
func (m *measurement) markDuplicates() {
	if len(m.repositories) < 2 {
		return
	}
	// Ids are hashes already: their first bytes place them in an open table of entries (index + 1).
	mask := uint64(1)
	for mask < 2*uint64(len(m.entries)) {
		mask <<= 1
	}
	table := make([]uint32, mask)
	mask--
	for i := range m.entries {
		id := m.id(&m.entries[i])
		at := binary.LittleEndian.Uint64(id[:]) & mask
		for ; ; at = (at + 1) & mask {
			if table[at] == 0 {
				table[at] = uint32(i) + 1
				break
			}
			if *m.id(&m.entries[table[at]-1]) == *id {
				m.entries[i].state = duplicate
				break
			}
		}
	}
}

func (m *measurement) id(e *entry) *facts.ID { return &m.repositories[e.rank].Commits[e.row].ID }

// internActors gives the actors of repositories their index in the ecosystem, in order of repositories and first use.
func (m *measurement) internActors() error {
	resolution := m.in.Resolution
	s := &m.sizes
	s.persons = len(resolution.Persons)
	s.organizations = len(resolution.Organizations)
	s.buckets = s.organizations + len(unknownClasses) + 2
	var err error
	if m.clients, err = clients(resolution.Organizations); err != nil {
		return fmt.Errorf("measuring: %w", err)
	}

	type key struct{ person, address, name, bucket uint32 }
	type two struct{ a, b uint32 }
	index := make(map[key]uint32)
	pairs, inBucket, inMerged := make(map[two]uint32), make(map[two]uint32), make(map[two]uint32)
	dense := func(m map[two]uint32, k two) uint32 {
		i, ok := m[k]
		if !ok {
			i = uint32(len(m))
			m[k] = i
		}
		return i
	}
	global := make([][]uint32, len(m.repositories))
	for rank := range m.repositories {
		r := &m.repositories[rank]
		global[rank] = make([]uint32, len(r.locals))
		for i, l := range r.locals {
			k := key{
				resolution.Person[r.position][l.signature], resolution.Address[r.position][l.signature],
				resolution.Name[r.position][l.signature], l.bucket,
			}
			at, ok := index[k]
			if !ok {
				at = uint32(len(m.actors))
				index[k] = at
				merged := k.bucket
				if int(merged) < s.organizations {
					merged = m.clients[merged]
				}
				m.actors = append(m.actors, actor{
					person: k.person, address: k.address, name: k.name, pair: dense(pairs, two{k.address, k.name}),
					bucket: k.bucket, merged: merged,
					inBucket: dense(inBucket, two{k.bucket, k.person}), inMerged: dense(inMerged, two{merged, k.person}),
				})
				s.addresses, s.names = max(s.addresses, int(k.address)+1), max(s.names, int(k.name)+1)
			}
			global[rank][i] = at
		}
		for i := range r.coAuthors {
			r.coAuthors[i].actor = global[rank][r.coAuthors[i].actor]
		}
	}
	s.pairs, s.inBucket, s.inMerged = len(pairs), len(inBucket), len(inMerged)
	for i := range m.entries {
		if e := &m.entries[i]; e.actor != facts.None {
			e.actor = global[e.rank][e.actor]
		}
	}
	return nil
}

// clients gives for every organization the one that its work is merged into: the client of a contractor (and the client's client), itself
// for all others.
func clients(organizations []people.Organization) ([]uint32, error) {
	to := make([]uint32, len(organizations))
	for i := range organizations {
		at := i
		for hops := 0; organizations[at].Class == people.Contractor && organizations[at].Client != people.NoOrganization; hops++ {
			next := organizations[at].Client
			if next < 0 || next >= len(organizations) || hops == len(organizations) {
				return nil, fmt.Errorf("the clients of contractor %q lead nowhere", organizations[i].Name)
			}
			at = next
		}
		to[i] = uint32(at)
	}
	return to, nil
}

// note collects skips and warnings, in order of repositories.
func (m *measurement) note() {
	for i := range m.repositories {
		r := &m.repositories[i]
		if r.Shallow {
			m.warn("%s is shallow: its history begins at commits that seem to add everything, and contributors before them are missing", r.Repository.Key)
		}
		if r.Walk.Missing > 0 {
			m.warn("%s: %d parents of commits are missing, and all that is behind them", r.Repository.Key, r.Walk.Missing)
		}
		if r.replaced > 0 {
			m.warn("%s: %d snapshots have no believable date of their own and stand at the one before", r.Repository.Key, r.replaced)
		}
		for _, s := range r.Skips {
			skip := Skip{Repository: r.Repository.Key, Reason: s.Reason, Object: s.Object, Rows: s.Rows, Detail: s.Detail}
			if int(s.Commit) < len(r.Commits) {
				skip.Commit = r.Commits[s.Commit].ID
			}
			if int(s.Path) < len(r.Paths) {
				skip.Path = r.Paths[s.Path]
			}
			m.result.Skips = append(m.result.Skips, skip)
		}
	}
}
