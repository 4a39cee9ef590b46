package adopt_test

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// With Stats, an Envoy gets one sink, and one access log for each manager with filters of wasm-xds.
// A second run changes nothing.
func TestStats(t *testing.T) {
	with := named("auth")
	with.Stats = true
	const second = "  - name: other\n    filter_chains:\n    - filters:\n      - " + tcp + "\n"
	for name, text := range map[string]string{
		"bare":     withHTTP(router),
		"static":   withHTTP(static("auth", local), router),
		"TCP, too": withHTTP(router) + second,
		"sinks":    withHTTP(router) + "stats_sinks: [{name: envoy.stat_sinks.statsd}]\n",
		"logs":     strings.Replace(withHTTP(router), "          http_filters:", "          access_log:\n          - {name: file}\n          http_filters:", 1),
		"last":     strings.Replace(withHTTP(router), "static_resources:", "admin: {}\nstatic_resources:", 1),
		"first":    strings.Replace(withHTTP(router), "node: {id: a, cluster: b}\n", "", 1),
		"JSON": `{"node": {"id": "a", "cluster": "b"}, "static_resources": {"listeners": [{"name": "web", "filter_chains": [{"filters": [{"name": "hcm", ` +
			`"typed_config": {"@type": "` + manager + `", "http_filters": [{"name": "envoy.filters.http.router"}]}}]}]}]}}`,
		"one manager for two chains": strings.Replace(withHTTP(router), "      - name: hcm\n        typed_config:\n", "      - name: hcm\n        typed_config: &hcm\n", 1) +
			"  - name: again\n    filter_chains:\n    - filters:\n      - name: hcm\n        typed_config: *hcm\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(t, text, with)
			again := read(t, string(p.Text))
			if n := len(again.Config.MetricsSinks()); n != 1 || again.Config.MetricsSinks()[0].Cluster != "wasm_xds" {
				t.Errorf("%d sinks", n)
			}
			if n := strings.Count(string(p.Text), "wasm_fail_stream"); n != 1 {
				t.Errorf("%d access logs in\n%s", n, p.Text)
			}
			for _, c := range again.Config.Chains {
				if c.Kind == envoyconfig.HTTPChain && len(c.Manager.AccessLogs()) != 1 {
					t.Errorf("the listener %s has %d access logs", c.Listener.Name, len(c.Manager.AccessLogs()))
				}
			}
			if twice := plan(t, string(p.Text), with); twice.Changed {
				t.Errorf("a second run changes\n%s", twice.Diff)
			}
			if !strings.Contains(strings.Join(p.Added, "\n"), "stats_sinks") {
				t.Errorf("added: %v", p.Added)
			}
		})
	}
}

// A bootstrap without static_resources gets them, too.
func TestStatsWithoutClusters(t *testing.T) {
	with := named("auth")
	with.Stats = true
	p := plan(t, "node: {id: a, cluster: b}\ndynamic_resources:\n  lds_config: {path_config_source: {path: /etc/envoy/lds.yaml}}\n", with)
	again := read(t, string(p.Text))
	if len(again.Config.MetricsSinks()) != 1 || again.Config.Cluster("wasm_xds") == nil {
		t.Errorf("%s", p.Text)
	}
}

// A file of listeners gets the access log alone, and listeners without filters of wasm-xds nothing.
func TestStatsOfListeners(t *testing.T) {
	with := named("auth")
	with.Stats, with.Listeners = true, []string{"web"}
	in := read(t, withHTTP(router)+strings.Replace(strings.SplitN(withHTTP(router), "listeners:\n", 2)[1], "name: web", "name: rest", 1))
	in.ListenersOnly = true
	p, problem := adopt.Make(in, with)
	if problem != nil {
		t.Fatal(problem)
	}
	if text := string(p.Text); strings.Count(text, "wasm_fail_stream") != 1 || strings.Contains(text, "stats_sinks") {
		t.Error(text)
	}
}

func TestStatsAreOffered(t *testing.T) {
	for _, stats := range []bool{false, true} {
		with := named("auth")
		with.Stats = stats
		p := plan(t, withHTTP(router), with)
		var offered bool
		for _, n := range p.Notes {
			offered = offered || strings.Contains(n.Message, "--stats")
		}
		if offered == stats || strings.Contains(string(p.Text), "stats_sinks") != stats {
			t.Errorf("stats %t: %+v", stats, p.Notes)
		}
	}
	with := named("auth")
	with.Stats = true
	p := plan(t, withHTTP(router)+"stats_config: {stats_matcher: {reject_all: true}}\n", with)
	if len(p.Warnings) == 0 || !strings.Contains(p.Warnings[0].Message, "stats_matcher") {
		t.Errorf("%+v", p.Warnings)
	}
}
