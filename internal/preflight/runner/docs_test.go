package runner

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestTestingDocs runs the tests that docs/testing-filters.md shows.
func TestTestingDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.FromSlash("../../../docs/testing-filters.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(page, -1) {
		specs, errs, _ := spec.Decode(filepath.FromSlash("../../../examples/envoy/filters/docs.yaml"), block[1])
		if len(errs) > 0 || len(specs) != 1 {
			t.Errorf("does not decode: %v\n%s", errs, block[1])
			continue
		}
		s := specs[0]
		module, err := os.ReadFile(s.Module.File.Path)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range Run(t.Context(), sandbox.RequestFor(s, module, s.Config), s.Tests) {
			ran++
			if !r.OK {
				t.Errorf("%s: %v", r.Name, r.Failures)
			}
		}
	}
	if ran < 6 {
		t.Errorf("found %d tests only", ran)
	}
}
