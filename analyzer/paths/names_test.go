package paths

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A name without a hint fits no pattern: names put together of what patterns are made of, held against the patterns alone.
func TestHintsHideNoName(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"gradle-wrapper", "stb_", "jquery", "react", "d3", "font-awesome", "fontawesome", "min", "slim", "prod", "development", "3.6.0", "esy", "lock", "pnp", "map",
		"js", "css", "mjs", "pb", "gw", "go", "cc", "c", "h", "_pb2", "_grpc", "_pb", "py", "pyi", "ts", "d", "nib", "xcworkspacedata", "xcuserstate",
		"Designer", "designer", "cs", "vb", "_tlb", "pas", "query-", "0a9f", "json", "a", "-c", ".", ".", ".", "-", "_",
	}
	rapid.Check(t, func(t *rapid.T) {
		base := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 7).Draw(t, "base"), "")
		for kind, n := range map[string]*names{"vendored": &vendorFile, "generated": &generatedFile} {
			want := n.exact[base] || n.pattern.MatchString(base)
			if n.has(base) != want {
				t.Fatalf("%q is %s: %v by hints, %v by the pattern", base, kind, n.has(base), want)
			}
		}
	})
	for base, n := range map[string]*names{
		"gradle-wrapper.jar": &vendorFile, "stb_image.h": &vendorFile, "jquery-3.6.0.min.js": &vendorFile, "html5shiv.js": &vendorFile, "fontawesome-all.css": &vendorFile,
		"sqlite3.c": &vendorFile, "a.esy.lock": &generatedFile, ".pnp.cjs": &generatedFile, "app-min.css": &generatedFile, "app.mjs.map": &generatedFile,
		"a.pb.gw.go": &generatedFile, "a.pb-c.h": &generatedFile, "a_pb2_grpc.pyi": &generatedFile, "a_pb.d.ts": &generatedFile, "Main.nib": &generatedFile,
		"a.xcuserstate": &generatedFile, "Form.Designer.cs": &generatedFile, "a_tlb.pas": &generatedFile, "query-0a9f.json": &generatedFile, "go.sum": &generatedFile,
	} {
		if !n.has(base) {
			t.Errorf("%s is not found", base)
		}
	}
}
