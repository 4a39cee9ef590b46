package adopt_test

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/internal/test/bootstraps"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// FuzzMake: a plan is an error, or a readable text, which a second run leaves alone.
func FuzzMake(f *testing.F) {
	for _, text := range bootstraps.Good() {
		f.Add(text, "auth", "")
	}
	for _, text := range []string{
		withHTTP(static("auth", "name: x, "+local), router), withHTTP("*auth", router), "{}", "node:\nadmin: []\n", "static_resources: *x", "[]",
		"dynamic_resources: {lds_config: {ads: {}}}", "node: &n {id: a}\nx: *n\n", "static_resources:\n  listeners: []\n  clusters:\n",
		"&a {node: {id: x, cluster: y}, static_resources: {listeners: [{filter_chains: [{filters: [" + tcp + "]}]}]}}",
	} {
		f.Add(text, "tcp", "web")
	}
	f.Fuzz(func(t *testing.T, text, filter, listener string) {
		planOf := func(text string) (*adopt.Plan, bool) {
			c, problem := envoyconfig.Read("envoy.yaml", func(path string) ([]byte, *spec.Error) {
				if path != "envoy.yaml" {
					return nil, &spec.Error{Message: "not here"}
				}
				return []byte(text), nil
			})
			if problem != nil {
				return nil, false
			}
			var o adopt.Options
			if filter != "" {
				o.Filters = []adopt.Filter{{Name: filter}}
			}
			if listener != "" {
				o.Listeners = []string{listener}
			}
			p, problem := adopt.Make(adopt.Input{Config: c, File: c.Files[0]}, o)
			if (p == nil) == (problem == nil) {
				t.Fatalf("%v, %v", p, problem)
			}
			return p, problem == nil
		}
		p, ok := planOf(text)
		if !ok {
			return
		}
		again, ok := planOf(string(p.Text))
		if !ok || again.Changed {
			t.Errorf("the second run: %v\n%s", ok, p.Text)
		}
	})
}
