package rootid

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

func TestRootIDsOf(t *testing.T) {
	for name, tt := range map[string]struct {
		module []byte
		want   []string
	}{
		"several":        {testfilter.RootID{IDs: []string{"b_root", "a", "com.example/filter:1"}}.Module(), []string{"a", "b_root", "com.example/filter:1"}},
		"the empty one":  {testfilter.RootID{IDs: []string{""}}.Module(), []string{""}},
		"none is needed": {testfilter.HTTP{Stamp: "a"}.Module(), []string{}},
		"Rust":           {example(t), []string{}},
		"no module":      {[]byte("plugin_root_id"), []string{}},
	} {
		got := Of(t.Context(), tt.module)
		slices.Sort(got)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// example is the example filter in Rust.
func example(t *testing.T) []byte {
	t.Helper()
	module, err := os.ReadFile("../../../examples/envoy/filters/prime_token.wasm")
	if err != nil {
		t.Fatal(err)
	}
	return module
}
