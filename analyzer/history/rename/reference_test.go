package rename

import (
	"bytes"
	"errors"
	"sort"
	"strings"

	"orrery/analyzer/facts"
)

// This file decides the slow way what the package decides: one pair after the other, one byte after the other.

var errAbsent = errors.New("no such blob")

// store holds contents by name.
type store map[facts.ID][]byte

func (s store) content() Content {
	return Content{
		Size: func(id facts.ID) (int64, error) {
			c, ok := s[id]
			if !ok {
				return 0, errAbsent
			}
			return int64(len(c)), nil
		},
		Bytes: func(id facts.ID) ([]byte, error) {
			c, ok := s[id]
			if !ok {
				return nil, errAbsent
			}
			return c, nil
		},
	}
}

// referenceChunks counts bytes by chunk hash.
func referenceChunks(content []byte) map[uint32]uint32 {
	counts := map[uint32]uint32{}
	text := !bytes.Contains(content[:min(8000, len(content))], []byte{0})
	var lower, upper, n uint32
	for k, c := range content {
		if text && c == '\r' && k+1 < len(content) && content[k+1] == '\n' {
			continue
		}
		lower, upper = lower<<7^upper>>25, upper<<7^lower>>25
		lower += uint32(c)
		n++
		if c == '\n' || n == 64 {
			counts[(lower+upper*97)%107927] += n
			lower, upper, n = 0, 0, 0
		}
	}
	return counts
}

func referenceScore(a, b []byte, minScore int) int {
	larger, smaller := max(len(a), len(b)), min(len(a), len(b))
	if larger*(60000-minScore) < (larger-smaller)*60000 || larger == 0 {
		return 0
	}
	inB := referenceChunks(b)
	common := 0
	for h, n := range referenceChunks(a) {
		common += int(min(n, inB[h]))
	}
	return common * 60000 / larger
}

func referenceName(path string) string {
	parts := strings.Split(path, "/")
	return parts[len(parts)-1]
}

// reference is Detect for options without Alone.
func reference(sources, destinations []Entry, contents store, options Options) (matches []Match, limited bool) {
	minScore, limit := options.MinScore, options.Limit
	if minScore == 0 {
		minScore = 30000
	}
	if limit == 0 {
		limit = 1000
	}
	used := make([]bool, len(sources))
	found := map[int]Match{}
	take := func(i, j, score int) {
		used[i] = true
		found[j] = Match{Source: i, Destination: j, Score: score}
	}
	result := func() []Match {
		var all []Match
		for j := range destinations {
			if m, ok := found[j]; ok {
				all = append(all, m)
			}
		}
		return all
	}
	regular := func(e Entry) bool { return e.Mode>>12 == 0o10 }
	similarity := func(i, j int) int {
		a, b := sources[i], destinations[j]
		contentA, okA := contents[a.Blob]
		contentB, okB := contents[b.Blob]
		if !regular(a) || !regular(b) || !okA || !okB {
			return 0
		}
		return referenceScore(contentA, contentB, minScore)
	}

	for j, b := range destinations {
		first, tries := -1, 0
		for i, a := range sources {
			if used[i] || a.Blob != b.Blob || a.Mode>>12 != b.Mode>>12 {
				continue
			}
			if tries++; tries > 100 {
				break
			}
			if first < 0 {
				first = i
			}
			if referenceName(a.Path) == referenceName(b.Path) {
				first = i
				break
			}
		}
		if first >= 0 {
			take(first, j, 60000)
		}
	}
	if minScore >= 60000 {
		return result(), false
	}

	bySource, byDest := map[string][]int{}, map[string][]int{}
	for i, a := range sources {
		if !used[i] {
			bySource[referenceName(a.Path)] = append(bySource[referenceName(a.Path)], i)
		}
	}
	for j, b := range destinations {
		if _, ok := found[j]; !ok {
			byDest[referenceName(b.Path)] = append(byDest[referenceName(b.Path)], j)
		}
	}
	for name, i := range bySource {
		if j := byDest[name]; len(i) == 1 && len(j) == 1 {
			if s := similarity(i[0], j[0]); s >= minScore+(60000-minScore)/2 {
				take(i[0], j[0], s)
			}
		}
	}

	restSources, restDests := 0, len(destinations)-len(found)
	for _, u := range used {
		if !u {
			restSources++
		}
	}
	if limit > 0 && restSources*restDests > limit*limit {
		return result(), true
	}
	type pair struct{ i, j, score, name int }
	better := func(a, b pair) bool {
		return a.score > b.score || a.score == b.score && a.name > b.name
	}
	var pairs []pair
	for j, b := range destinations {
		if _, ok := found[j]; ok {
			continue
		}
		var best []pair
		for i, a := range sources {
			if used[i] {
				continue
			}
			p := pair{i: i, j: j, score: similarity(i, j)}
			if referenceName(a.Path) == referenceName(b.Path) {
				p.name = 1
			}
			if len(best) < 4 {
				best = append(best, p)
				continue
			}
			worst := 0
			for k := range best {
				if better(best[worst], best[k]) {
					worst = k
				}
			}
			if better(p, best[worst]) {
				best[worst] = p
			}
		}
		pairs = append(pairs, best...)
	}
	sort.SliceStable(pairs, func(a, b int) bool { return better(pairs[a], pairs[b]) })
	for _, p := range pairs {
		if _, ok := found[p.j]; !ok && !used[p.i] && p.score >= minScore {
			take(p.i, p.j, p.score)
		}
	}
	return result(), false
}
