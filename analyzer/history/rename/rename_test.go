package rename

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"orrery/analyzer/facts"
)

func detect(t testing.TB, d *Detector, sources, destinations []Entry, c Content, options Options) ([]Match, bool) {
	t.Helper()
	matches, limited, err := d.Detect(context.Background(), sources, destinations, c, options)
	if err != nil {
		t.Fatal(err)
	}
	return matches, limited
}

// numbered makes n lines that stand in no other text with another first.
func numbered(first, n int) string {
	var b strings.Builder
	for k := range n {
		fmt.Fprintf(&b, "line number %08d\n", first+k)
	}
	return b.String()
}

func TestScore(t *testing.T) {
	long := strings.Repeat("q", 63)
	tests := map[string]struct {
		a, b string
		want int
	}{
		"equal":                          {numbered(0, 10), numbered(0, 10), 60000},
		"order of lines does not matter": {"one\ntwo\nthree\n", "three\none\ntwo\n", 60000},
		"one line of ten differs":        {numbered(0, 10), numbered(0, 9) + numbered(90, 1), 54000},
		"against the larger":             {numbered(0, 6), numbered(0, 10), 36000},
		"sizes exclude it":               {numbered(0, 4), numbered(0, 10), 0},
		"sizes just allow it":            {numbered(0, 5), numbered(0, 10), 30000},
		"both empty":                     {"", "", 0},
		"one empty":                      {"", "a\n", 0},
		"no line is finished":            {"abc", "abc", 0},
		"unfinished last line":           {numbered(0, 10) + "end", numbered(0, 10) + "end", 210 * 60000 / 213},
		"64 bytes need no line feed":     {long + "q", long + "q", 60000},
		"carriage returns in a text":     {"ab\ncd\n", "ab\r\ncd\r\n", 45000},
		"carriage returns in a binary":   {"\x00\nab\ncd\n", "\x00\nab\r\ncd\r\n", 2 * 60000 / 10},
		"room for the line feed":         {long + "\r\n", long + "\n", 64 * 60000 / 65},
		"no room for the line feed":      {long + "q\r\n", long + "q\n", 65 * 60000 / 66},
		"a carriage return of its own":   {"a\rb\n", "ab\n", 0},
		"two carriage returns":           {"a\r\r\nbb\n", "a\r\nbb\n", 3 * 60000 / 7},
		"repeated lines":                 {"a\na\na\nb\n", "a\nb\nb\nb\n", 30000},
		"binary behind the probe":        {strings.Repeat("x\r\n", 2667) + "\x00", strings.Repeat("x\n", 2667) + "\x00", 5334 * 60000 / 8002},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			idA, idB := facts.ID{1}, facts.ID{2}
			d := &Detector{}
			d.prepare(context.Background(), nil, nil, store{idA: []byte(tt.a), idB: []byte(tt.b)}.content(), Options{})
			a, b := d.blob(&Entry{Blob: idA, Mode: file}), d.blob(&Entry{Blob: idB, Mode: file})
			if got := d.similarity(a, b); got != tt.want {
				t.Errorf("score %d, want %d", got, tt.want)
			}
			if got := d.similarity(b, a); got != tt.want {
				t.Errorf("score the other way round %d, want %d", got, tt.want)
			}
			if got := referenceScore([]byte(tt.a), []byte(tt.b), 30000); got != tt.want {
				t.Errorf("score of the reference %d, want %d", got, tt.want)
			}
		})
	}
}

// entries makes entries of texts "path=content", and enters contents into s.
func entries(s store, texts []string) []Entry {
	var list []Entry
	for _, text := range texts {
		path, content, _ := strings.Cut(text, "=")
		l := leaf{file | 0o644, []byte(content)}
		switch {
		case strings.HasPrefix(content, "link:"):
			l.mode = symlink
			l.content = []byte(strings.TrimPrefix(content, "link:"))
		case strings.HasPrefix(content, "module:"):
			l.mode = submodule
			l.content = bytes.Repeat([]byte(content[7:8]), 20)
		}
		id := blobID(l)
		s[id] = l.content
		list = append(list, Entry{Path: path, Blob: id, Mode: l.mode})
	}
	return list
}

func TestDecisions(t *testing.T) {
	ten := numbered(0, 10)
	tests := map[string]struct {
		sources, destinations []string
		options               Options
		want                  string // "source>destination:percent"
		limited               bool
	}{
		"nothing":                            {nil, []string{"a=x"}, Options{}, "", false},
		"equal content":                      {[]string{"a=x"}, []string{"b=x"}, Options{}, "a>b:100", false},
		"empty files":                        {[]string{"a=", "d/c="}, []string{"b=", "e/c=", "f="}, Options{}, "a>b:100 d/c>e/c:100", false},
		"first of equals":                    {[]string{"a=x", "b=x"}, []string{"c=x"}, Options{}, "a>c:100", false},
		"equals prefer the base name":        {[]string{"a/p=x", "a/q=x"}, []string{"b/q=x"}, Options{}, "a/q>b/q:100", false},
		"link and file of equal content":     {[]string{"a=link:x", "b=x"}, []string{"c=x", "d=x"}, Options{}, "b>c:100", false},
		"links only unchanged":               {[]string{"a=link:" + ten, "b=link:x"}, []string{"c=link:" + ten + "y", "d=link:x"}, Options{}, "b>d:100", false},
		"submodules only unchanged":          {[]string{"a=module:1", "b=module:2"}, []string{"c=module:2", "d=module:3"}, Options{}, "b>c:100", false},
		"base name goes before similarity":   {[]string{"x/a=" + numbered(1, 9) + "other\n", "x/b=" + ten}, []string{"y/a=" + ten + "z\n"}, Options{}, "x/a>y/a:89", false},
		"but only far above the minimum":     {[]string{"x/a=" + numbered(3, 10), "x/b=" + numbered(1, 10)}, []string{"y/a=" + ten}, Options{}, "x/b>y/a:90", false},
		"base names that are not unique":     {[]string{"x/a=" + numbered(1, 10), "y/a=" + ten + "z\n"}, []string{"z/a=" + ten}, Options{}, "y/a>z/a:99", false},
		"best pairs first":                   {[]string{"a=" + numbered(3, 10), "b=" + numbered(1, 10)}, []string{"c=" + numbered(-1, 10), "d=" + ten}, Options{}, "a>c:60 b>d:90", false},
		"base name decides between equals":   {[]string{"a=" + numbered(1, 10), "b=" + numbered(-1, 10), "x/c=" + numbered(4, 10), "y/c=" + numbered(-4, 10)}, []string{"c=" + ten}, Options{}, "a>c:90", false},
		"below the minimum":                  {[]string{"a=" + numbered(6, 10)}, []string{"b=" + ten}, Options{}, "", false},
		"a lower minimum":                    {[]string{"a=" + numbered(6, 10)}, []string{"b=" + ten}, Options{MinScore: 24000}, "a>b:40", false},
		"only unchanged":                     {[]string{"a=" + ten, "b=x\ny\n"}, []string{"c=" + ten, "d=y\nx\n"}, Options{MinScore: MaxScore}, "a>c:100", false},
		"too many pairs":                     {[]string{"a=" + ten, "b=x", "c=y"}, []string{"d=" + ten + "z\n", "e=x", "f=z", "g=w"}, Options{Limit: 2}, "b>e:100", true},
		"just not too many":                  {[]string{"a=" + ten, "b=x", "c=y"}, []string{"d=" + ten + "z\n", "e=x", "g=w"}, Options{Limit: 2}, "a>d:99 b>e:100", false},
		"no limit":                           {[]string{"a=" + ten, "b=x", "c=y"}, []string{"d=" + ten + "z\n", "e=x", "f=z", "g=w"}, Options{Limit: Unlimited}, "a>d:99 b>e:100", false},
		"alone, sources are not used up":     {[]string{"a=" + ten}, []string{"b=" + ten, "c=" + ten, "d=" + ten + "z\n"}, Options{Alone: true}, "a>b:100 a>c:100 a>d:99", false},
		"alone, other destinations' names":   {[]string{"a=" + numbered(1, 10), "b=" + ten + "z\n"}, []string{"y/a=" + ten, "z/a=" + ten}, Options{Alone: true}, "a>y/a:90 a>z/a:90", false},
		"alone, the limit is of one":         {[]string{"a=" + ten, "b=x", "c=y", "d=z"}, []string{"e=" + ten + "z\n", "f=" + ten + "y\n"}, Options{Alone: true, Limit: 2}, "a>e:99 a>f:99", false},
		"alone, too many":                    {[]string{"a=" + ten, "b=x", "c=y", "d=z", "e=w"}, []string{"g=" + ten + "z\n", "h=x"}, Options{Alone: true, Limit: 2}, "b>h:100", true},
		"a place is taken, not given up":     {[]string{"a=" + numbered(-9, 19), "b=" + numbered(1, 10), "c=" + numbered(-9, 19) + "c\n"}, []string{"d=" + ten}, Options{}, "b>d:90", false},
		"folders give no hint of base names": {[]string{"x/1=x", "x/M=" + numbered(0, 20), "y/1=y", "y/M=" + numbered(1, 20)}, []string{"p/1=x", "p/M=" + numbered(2, 20), "q/1=y", "q/M=" + numbered(-1, 20)}, Options{}, "x/1>p/1:100 y/M>p/M:95 y/1>q/1:100 x/M>q/M:95", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := store{}
			sources, destinations := entries(s, tt.sources), entries(s, tt.destinations)
			matches, limited := detect(t, &Detector{}, sources, destinations, s.content(), tt.options)
			var got []string
			for _, m := range matches {
				got = append(got, fmt.Sprintf("%s>%s:%d", sources[m.Source].Path, destinations[m.Destination].Path, m.Score*100/MaxScore))
			}
			if g := strings.Join(got, " "); g != tt.want || limited != tt.limited {
				t.Errorf("got %q (limited %t), want %q (limited %t)", g, limited, tt.want, tt.limited)
			}
		})
	}
}

// TestTries holds the bound on the search for a base name among equal contents: used sources do not count.
func TestTries(t *testing.T) {
	s := store{}
	var texts []string
	for i := range 200 {
		texts = append(texts, fmt.Sprintf("old/%03d=x", i))
	}
	sources := entries(s, texts)
	for _, tt := range []struct {
		destinations []string
		want         int // source of the last
	}{
		{[]string{"new/099=x"}, 99},
		{[]string{"new/100=x"}, 0},
		{[]string{"new/a=x", "new/b=x", "new/c=x", "new/x/102=x"}, 102},
		{[]string{"new/a=x", "new/b=x", "new/c=x", "new/x/103=x"}, 3},
	} {
		matches, _ := detect(t, &Detector{}, sources, entries(s, tt.destinations), s.content(), Options{})
		if got := matches[len(matches)-1].Source; got != tt.want {
			t.Errorf("%v: source %d, want %d", tt.destinations, got, tt.want)
		}
	}
}

// thrifty is a detector that takes every path which otherwise only huge commits take.
func thrifty() *Detector { return &Detector{maxChunks: 60, indexMinSteps: 1} }

func TestAgainstReference(t *testing.T) {
	var plain Detector
	small := thrifty()
	pairs := 0
	for seed := range uint64(800) {
		v := newInventor(seed)
		n := 4 + v.IntN(60)
		before := v.tree(n)
		s := store{}
		sources, destinations := changes(before, v.step(before, n), s)
		if v.IntN(4) == 0 {
			for _, e := range sources[:len(sources)/3] {
				delete(s, e.Blob)
			}
		}
		var options Options
		switch v.IntN(5) {
		case 0:
			options.MinScore = 1 + v.IntN(MaxScore)
		case 1:
			options.Limit = 1 + v.IntN(20)
		}
		want, wantLimited := reference(sources, destinations, s, options)
		pairs += len(want)
		for name, d := range map[string]*Detector{"plain": &plain, "thrifty": small} {
			got, limited := detect(t, d, sources, destinations, s.content(), options)
			if diff := cmp.Diff(want, got); diff != "" || limited != wantLimited {
				t.Fatalf("seed %d, %s, %+v: limited %t, want %t; matches (-want +got):\n%s", seed, name, options, limited, wantLimited, diff)
			}
		}

		// What is resolved together is what is resolved one by one.
		options.Alone = true
		together, _ := detect(t, small, sources, destinations, s.content(), options)
		options.Alone = false
		var oneByOne []Match
		for j := range destinations {
			m, _ := reference(sources, destinations[j:j+1], s, options)
			if len(m) > 0 {
				m[0].Destination = j
				oneByOne = append(oneByOne, m[0])
			}
		}
		if diff := cmp.Diff(oneByOne, together); diff != "" {
			t.Fatalf("seed %d, alone (-one by one +together):\n%s", seed, diff)
		}
	}
	if pairs < 1000 {
		t.Errorf("only %d renames were compared", pairs)
	}
}

func TestProperties(t *testing.T) {
	var d Detector
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a\n", "bb\n", "ccc\n", "\n", "dddd\r\n", "\x00\n", "tail"})
		content := rapid.Map(rapid.SliceOfN(line, 0, 12), func(l []string) string { return strings.Join(l, "") })
		mode := rapid.SampledFrom([]uint32{file | 0o644, file | 0o644, file | 0o755, symlink, submodule})
		s := store{}
		side := func(label string) []Entry {
			paths := rapid.SliceOfNDistinct(rapid.StringMatching(`([ab]/)?[p-s]`), 0, 8, rapid.ID[string]).Draw(t, label)
			slices.Sort(paths)
			var list []Entry
			for _, path := range paths {
				c := content.Draw(t, path)
				id := blobID(leaf{file, []byte(c)})
				s[id] = []byte(c)
				list = append(list, Entry{Path: path, Blob: id, Mode: mode.Draw(t, path)})
			}
			return list
		}
		sources, destinations := side("sources"), side("destinations")
		options := Options{
			MinScore: rapid.IntRange(0, MaxScore).Draw(t, "minimum"),
			Limit:    rapid.IntRange(-1, 10).Draw(t, "limit"),
		}
		run := func(d *Detector, c Content) []Match {
			m, _, err := d.Detect(context.Background(), sources, destinations, c, options)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		matches := run(&d, s.content())

		usedSource, usedDest := map[int]bool{}, map[int]bool{}
		least := options.MinScore
		if least == 0 {
			least = DefaultMinScore
		}
		last := -1
		for _, m := range matches {
			a, b := sources[m.Source], destinations[m.Destination]
			if usedSource[m.Source] || usedDest[m.Destination] || m.Destination <= last {
				t.Fatalf("source or destination twice, or out of order: %+v", matches)
			}
			usedSource[m.Source], usedDest[m.Destination], last = true, true, m.Destination
			if m.Score < least || m.Score > MaxScore || kind(a.Mode) != kind(b.Mode) {
				t.Fatalf("%+v pairs %+v with %+v", m, a, b)
			}
		}
		for i, a := range sources {
			for j, b := range destinations {
				if a.Blob == b.Blob && kind(a.Mode) == kind(b.Mode) && !usedSource[i] && !usedDest[j] {
					t.Fatalf("equal contents %s and %s are left unpaired", a.Path, b.Path)
				}
			}
		}
		if diff := cmp.Diff(matches, run(thrifty(), s.content())); diff != "" {
			t.Fatalf("a detector with little memory differs:\n%s", diff)
		}

		// A blob that cannot be read is as good as a file without anything in common; nothing is worse off for it.
		if len(sources) > 0 {
			lost := sources[rapid.IntRange(0, len(sources)-1).Draw(t, "lost")].Blob
			sized := s.content()
			unreadable := Content{Size: sized.Size, Bytes: func(id facts.ID) ([]byte, error) {
				if id == lost {
					return nil, errAbsent
				}
				return sized.Bytes(id)
			}}
			short := Content{Size: sized.Size, Bytes: func(id facts.ID) ([]byte, error) {
				c, err := sized.Bytes(id)
				if id == lost && len(c) > 0 {
					c = c[1:]
				}
				return c, err
			}}
			if lostContent := s[lost]; len(lostContent) > 0 {
				delete(s, lost)
				want := run(&d, s.content())
				s[lost] = lostContent
				for _, c := range []Content{unreadable, short} {
					if diff := cmp.Diff(want, run(&d, c)); diff != "" {
						t.Fatalf("unreadable content differs from unknown size:\n%s", diff)
					}
				}
			}
		}
	})
}

// TestReadsLittle holds what contents are read: none that sizes or equal content make needless, none twice.
func TestReadsLittle(t *testing.T) {
	s := store{}
	sources := entries(s, []string{"a/a=" + numbered(0, 10), "a/b=" + numbered(50, 10), "a/c=" + numbered(0, 100), "a/d=same"})
	destinations := entries(s, []string{"b/a=" + numbered(5, 10), "b/b=" + numbered(51, 10), "b/d=same", "b/e=" + numbered(0, 1000)})
	reads := map[facts.ID]int{}
	all := s.content()
	counted := Content{Size: all.Size, Bytes: func(id facts.ID) ([]byte, error) {
		reads[id]++
		return all.Bytes(id)
	}}
	detect(t, &Detector{}, sources, destinations, counted, Options{})
	want := map[facts.ID]int{sources[0].Blob: 1, sources[1].Blob: 1, destinations[0].Blob: 1, destinations[1].Blob: 1}
	if diff := cmp.Diff(want, reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

// TestFlakyContent lets every second read fail, and some give other bytes: results are of little worth then, but it is no panic.
func TestFlakyContent(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	d := thrifty()
	for seed := range uint64(200) {
		v := newInventor(seed)
		before := v.tree(60)
		s := store{}
		sources, destinations := changes(before, v.step(before, 60), s)
		all := s.content()
		flaky := Content{Size: all.Size, Bytes: func(id facts.ID) ([]byte, error) {
			c, err := all.Bytes(id)
			switch rnd.IntN(4) {
			case 0, 1:
				return nil, errAbsent
			case 2:
				return bytes.Repeat([]byte{'x', '\n'}, len(c)/2+1)[:len(c)], nil
			}
			return c, err
		}}
		matches, _ := detect(t, d, sources, destinations, flaky, Options{})
		for _, m := range matches {
			if m.Score < DefaultMinScore || m.Score > MaxScore {
				t.Fatalf("seed %d: %+v", seed, m)
			}
		}
		// Nothing of it stays behind.
		want, _ := reference(sources, destinations, s, Options{})
		got, _ := detect(t, d, sources, destinations, all, Options{})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d, afterwards (-want +got):\n%s", seed, diff)
		}
	}
}

func TestCancelled(t *testing.T) {
	s := store{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _, err := (&Detector{}).Detect(ctx, entries(s, []string{"a=" + numbered(0, 9)}), entries(s, []string{"b=" + numbered(0, 10)}), s.content(), Options{})
	if err != context.Canceled {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// TestRolledCarries finds pieces whose sum carries over into the upper word, which random texts hardly have.
func TestRolledCarries(t *testing.T) {
	for _, piece := range carrying(20) {
		want := uint64(0)
		for _, c := range piece {
			want = rolledByte(want, c)
		}
		if got := rolled(piece, false); got != (uint32(want)+uint32(want>>32)*97)%hashes {
			t.Errorf("hash of %x differs: %d", piece, got)
		}
	}
}

// carrying makes n pieces of which the addition of some byte carries.
func carrying(n int) [][]byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	var found [][]byte
	for len(found) < n {
		piece := make([]byte, 0, chunkLength)
		state := uint64(0)
		for len(piece) < chunkLength {
			// A byte drives the lower word towards its end: 255 wherever it does not yet carry.
			c := byte(255)
			if rnd.IntN(8) == 0 {
				c = byte(rnd.IntN(256))
			}
			turned := state<<7 | state>>57
			if uint64(uint32(turned))+uint64(c) > 1<<32-1 {
				piece = append(piece, c)
				found = append(found, piece)
				break
			}
			state = rolledByte(state, c)
			piece = append(piece, c)
		}
	}
	return found
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("one\ntwo\r\nthree"))
	f.Add([]byte(strings.Repeat("q", 63) + "\r\n" + strings.Repeat("q", 64) + "\r\n"))
	f.Add([]byte("\x00\r\n\r\n\r\r\n"))
	f.Add(bytes.Repeat([]byte{255}, 300))
	for _, piece := range carrying(3) {
		f.Add(piece)
	}
	sum := make([]uint32, hashes)
	f.Fuzz(func(t *testing.T, content []byte) {
		got := map[uint32]uint32{}
		for _, c := range appendChunks(nil, content, sum) {
			got[c.hash] = c.bytes
			if sum[c.hash] != 0 {
				t.Fatal("scratch is left dirty")
			}
		}
		if diff := cmp.Diff(referenceChunks(content), got); diff != "" {
			t.Errorf("chunks (-want +got):\n%s", diff)
		}
	})
}

func FuzzDetect(f *testing.F) {
	f.Add([]byte("a\nb\nc\n"), uint8(2), uint16(0), int8(0))
	f.Add([]byte("x\n\x01x\n\x01x\ny\n\x01\x01x\nz\n"), uint8(3), uint16(1), int8(1))
	f.Add([]byte("x\n\x01y\n\x01x\ny\n\x01z"), uint8(3), uint16(60000), int8(-1))
	detectors := []*Detector{{}, thrifty()}
	f.Fuzz(func(t *testing.T, data []byte, nSources uint8, minScore uint16, limit int8) {
		s := store{}
		var list []Entry
		for k, c := range bytes.SplitN(data, []byte{1}, 24) {
			l := leaf{file | 0o644, c}
			if len(c)%7 == 6 {
				l.mode = symlink
			}
			id := blobID(l)
			s[id] = c
			list = append(list, Entry{Path: fmt.Sprintf("%02d/%d", k, k*k%5), Blob: id, Mode: l.mode})
		}
		n := min(int(nSources), len(list))
		options := Options{MinScore: int(minScore) % (MaxScore + 1), Limit: max(-1, int(limit))}
		want, wantLimited := reference(list[:n], list[n:], s, options)
		for _, d := range detectors {
			got, limited := detect(t, d, list[:n], list[n:], s.content(), options)
			if diff := cmp.Diff(want, got); diff != "" || limited != wantLimited {
				t.Fatalf("limited %t, want %t; matches (-want +got):\n%s", limited, wantLimited, diff)
			}
		}
	})
}
