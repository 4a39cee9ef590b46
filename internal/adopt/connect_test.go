package adopt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/test/bootstraps"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The missing parts are added, and nothing is added twice.
func TestConnects(t *testing.T) {
	p := plan(t, "static_resources: {listeners: [{name: t, filter_chains: [{filters: ["+tcp+"]}]}], clusters: []}\n", adopt.Options{
		Filters: named("a").Filters, Bootstrap: bootstrap.Options{NodeID: "yes", InitialFetchTimeout: 5 * time.Second},
	})
	for _, want := range []string{"node:\n  id: \"yes\"\n  cluster: envoy\n", "ads_config:\n", "name: wasm_xds,", "name: wasm_xds_modules,"} {
		if !strings.Contains(string(p.Text), want) {
			t.Errorf("no %q in\n%s", want, p.Text)
		}
	}
	if !strings.Contains(p.AtBoot, "5s at most") {
		t.Errorf("at boot: %s", p.AtBoot)
	}
	again := plan(t, string(p.Text), named("a"))
	if again.Changed || again.Diff != "" || string(again.Text) != string(p.Text) {
		t.Errorf("the second run:\n%s", again.Diff)
	}
	// Only the id is missing.
	p = plan(t, "node: {cluster: c}\nstatic_resources: {listeners: [{name: t, filter_chains: [{filters: ["+tcp+"]}]}]}\n", named("a"))
	if !strings.HasPrefix(string(p.Text), "node: {cluster: c, id: envoy-1}\n") {
		t.Errorf("%s", p.Text)
	}
}

// The listeners of an Envoy may come from elsewhere.
func TestListenersElsewhere(t *testing.T) {
	base := "node: {id: a, cluster: b}\ndynamic_resources:\n  lds_config: "
	p := plan(t, base+"{path_config_source: {path: /etc/envoy/lds.yaml}}\n", named("a"))
	if !slices.Equal(p.Elsewhere, []string{"/etc/envoy/lds.yaml"}) || p.Snippet != "" || strings.Contains(string(p.Text), "ads_config") {
		t.Errorf("elsewhere %v, snippet %s\n%s", p.Elsewhere, p.Snippet, p.Text)
	}
	p = plan(t, base+"{ads: {}}\n  ads_config: {api_type: GRPC, grpc_services: [{envoy_grpc: {cluster_name: mesh}}]}\n", named("a"))
	if len(p.Elsewhere) > 0 || !strings.Contains(p.Snippet, "- name: a\n  config_discovery:\n") || !strings.Contains(p.Snippet, "cluster_name: wasm_xds\n") {
		t.Errorf("elsewhere %v, snippet %s", p.Elsewhere, p.Snippet)
	}
}

// With TLS, sockets and a SPIFFE agent, the clusters are those of `wasm-xds bootstrap`.
func TestClustersAreThoseOfBootstrap(t *testing.T) {
	for name, b := range map[string]bootstrap.Options{
		"TLS":     {XDSAddress: "control.example.com:18000", TLS: bootstrap.TLS{CAFile: "/tls/ca.crt", CertFile: "/tls/tls.crt", KeyFile: "/tls/tls.key"}},
		"servers": {XDSServers: []string{"a.example.com:18000", "b.example.com:18000"}},
		"sockets": {XDSAddress: "unix:///run/xds.sock", ModulesAddress: "unix:///run/modules.sock"},
		"SPIFFE":  {TLS: bootstrap.TLS{SPIFFE: bootstrap.SPIFFE{Socket: "unix:///run/agent.sock", ServerID: "spiffe://example.org/a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			b.Mode = bootstrap.ADSDelta
			p := plan(t, withHTTP(router), adopt.Options{Filters: named("a").Filters, Bootstrap: b})
			var whole strings.Builder
			b.Filters = []bootstrap.Filter{{Name: "a", Type: spec.HTTP}}
			if err := bootstrap.Render(&whole, b); err != nil {
				t.Fatal(err)
			}
			want, got := read(t, whole.String()).Config, read(t, string(p.Text)).Config
			for _, c := range want.Clusters {
				if c.Name == "upstream" {
					continue
				}
				added := got.Cluster(c.Name)
				if added == nil || squeezed(added.Node.Source()) != squeezed(c.Node.Source()) {
					t.Errorf("%s\nis not\n%s", c.Node.Source(), p.Text)
				}
			}
		})
	}
}

func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// Every bootstrap of the tests is adopted in every style of lines, and differs from the original
// only by added lines, apart from removed filters.
func TestOnlyAddedLines(t *testing.T) {
	for name, text := range bootstraps.Good() {
		if name == "wasm.yaml" {
			continue
		}
		for style, text := range map[string]string{
			"as is": text, "CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "a byte order mark": "\ufeff" + text,
			"no line end": strings.TrimRight(text, "\n"), "comments at the end": text + "\n# the end\n",
		} {
			if strings.HasSuffix(name, ".json") && style != "as is" && style != "CRLF" {
				continue // no JSON any more
			}
			p := plan(t, text, named("auth"))
			left := strings.Split(string(p.Text), "\n")
			for line := range strings.SplitSeq(text, "\n") {
				// A comma may follow the last item of a list of JSON.
				at := slices.IndexFunc(left, func(l string) bool {
					return strings.TrimRight(l, ",\r") == strings.TrimRight(line, ",\r")
				})
				if at < 0 {
					t.Fatalf("%s, %s: the line %q is gone:\n%s", name, style, line, p.Text)
				}
				left = left[at+1:]
			}
			if again := plan(t, string(p.Text), named("auth")); again.Changed {
				t.Errorf("%s, %s: the second run:\n%s", name, style, again.Diff)
			}
		}
	}
}
