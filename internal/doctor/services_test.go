package doctor_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/doctor"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// goodService is a bootstrap with a service, as `wasm-xds bootstrap` writes it.
const goodService = `node: {id: a, cluster: b, metadata: {wasm_xds_service/traffic: 0123456789ab}}
bootstrap_extensions:
- name: envoy.bootstrap.wasm
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.wasm.v3.WasmService
    config:
      name: traffic
      vm_config: {vm_id: traffic, runtime: envoy.wasm.runtime.v8, code: {local: {filename: /x.wasm}}}
    singleton: true
`

// Doctor finds the faults of a service in a bootstrap. Each bootstrap differs from goodService in a
// single way.
func TestServices(t *testing.T) {
	for name, tt := range map[string]struct {
		from, to string
		want     []string
	}{
		"good":            {},
		"missing":         {"name: traffic", "name: other", []string{"service_missing"}},
		"on each worker":  {"    singleton: true\n", "", []string{"service_on_workers"}},
		"not a singleton": {"singleton: true", "singleton: false", []string{"service_on_workers"}},
		"remote code":     {"{local: {filename: /x.wasm}}", "{remote: {sha256: a}}", []string{"service_remote"}},
		"no metadata":     {", metadata: {wasm_xds_service/traffic: 0123456789ab}", "", []string{"service_revision_unknown"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(goodService, tt.from, tt.to, 1)
			if tt.from != "" && text == goodService {
				t.Fatal("nothing is replaced")
			}
			c, problem := envoyconfig.Read("envoy.yaml", func(string) ([]byte, *spec.Error) { return []byte(text), nil })
			if problem != nil {
				t.Fatal(problem)
			}
			r := doctor.Check(c, doctor.Options{SpecsKnown: true, Specs: []*spec.Spec{{Name: "traffic", Type: spec.Service}}})
			var got []string
			for _, f := range r.Findings {
				if strings.HasPrefix(f.Code, "service_") || f.Code == "spec_not_asked" {
					got = append(got, f.Code)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
