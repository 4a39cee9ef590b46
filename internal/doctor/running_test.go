package doctor_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/doctor"
	"github.com/wasm-xds/wasm-xds/internal/envoyconfig"
)

// dump is the config_dump of an Envoy 1.40.0 with testdata/good/edge.yaml, without the list of
// extensions. change replaces a text in the dump.
func dump(t *testing.T, change ...string) doctor.Running {
	t.Helper()
	text, err := os.ReadFile("testdata/running/config_dump.json")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer(change...).Replace(string(text))
	if len(change) > 0 && changed == string(text) {
		t.Fatalf("nothing is replaced: %q", change)
	}
	r := doctor.Running{State: "LIVE"}
	var problem error
	if c, loaded, e := envoyconfig.FromDump("http://envoy", []byte(changed)); e == nil {
		r.Config, r.Loaded = c, loaded
	} else {
		problem = e
	}
	if problem != nil {
		t.Fatal(problem)
	}
	return r
}

func TestRunning(t *testing.T) {
	const revision, other = "0123456789ab", "ba9876543210"
	loaded := []envoyconfig.Loaded{{Name: "auth", Version: revision + ".r1"}, {Name: "tcp_log", Version: revision + ".r1"}}
	connected := map[string]int64{"cluster.wasm_xds.upstream_cx_total": 1, "cluster.wasm_xds.upstream_cx_active": 1}
	node := func(filters ...api.NodeFilter) []api.Node {
		return []api.Node{{ID: "edge-1", State: api.NodeConnected, Filters: filters}, {ID: "other", State: api.NodeConnected}}
	}
	filter := func(name string, state api.SubscriberState, revision string) api.NodeFilter {
		return api.NodeFilter{Name: name, State: state, Revision: revision}
	}
	live := node(filter("auth", api.SubscriberLive, revision), filter("tcp_log", api.SubscriberLive, revision))
	for name, tt := range map[string]struct {
		change []string
		with   func(*doctor.Running)
		want   []string
	}{
		"as it should be": {nil, func(r *doctor.Running) { r.Nodes, r.NodesKnown = live, true }, nil},
		"no connection": {nil, func(r *doctor.Running) {
			r.Stats = map[string]int64{"cluster.wasm_xds.upstream_cx_total": 4, "cluster.wasm_xds.upstream_cx_connect_fail": 4}
			r.State, r.Waiting, r.Loaded = "INITIALIZING", []string{"auth", "tcp_log"}, nil
		}, []string{"xds_unreachable", "waits_for_filter", "waits_for_filter"}},
		"closed connections": {nil, func(r *doctor.Running) { r.Stats = map[string]int64{"cluster.wasm_xds.upstream_cx_total": 4} }, []string{"xds_closes"}},
		"never come":         {nil, func(r *doctor.Running) { r.Loaded = loaded[:1] }, []string{"filter_missing"}},
		"not connected":      {nil, func(r *doctor.Running) { r.NodesKnown = true }, []string{"not_connected"}},
		"not asked": {nil, func(r *doctor.Running) {
			r.Nodes, r.NodesKnown = node(filter("auth", api.SubscriberLive, revision)), true
		}, []string{"not_asked"}},
		"rejected, and another revision": {nil, func(r *doctor.Running) {
			r.Nodes, r.NodesKnown = node(filter("auth", api.SubscriberRejected, ""), filter("tcp_log", api.SubscriberLive, other)), true
		}, []string{"filter_rejected", "other_revision"}},
		"no HTTP/2":  {[]string{`"http2_protocol_options"`, `"http_protocol_options"`}, func(*doctor.Running) {}, []string{"no_http2"}},
		"no modules": {[]string{`"name": "wasm_xds_modules"`, `"name": "x"`}, func(*doctor.Running) {}, []string{"no_modules_cluster"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := dump(t, tt.change...)
			r.Loaded, r.Stats = loaded, connected
			tt.with(&r)
			var got []string
			for _, f := range doctor.CheckRunning(r, doctor.Options{}).Findings {
				got = append(got, f.Code)
				if f.File != "http://envoy" || f.Line != 0 || f.Patch != "" || f.Hint == "" {
					t.Errorf("%+v", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromDumpRefuses(t *testing.T) {
	for _, text := range []string{"", "{}", "[]", "not found", `{"configs": []}`, strings.Repeat("[", 100_000), `{"configs": [{"@type": `} {
		if _, _, problem := envoyconfig.FromDump("x", []byte(text)); problem == nil {
			t.Errorf("%.20q is a config_dump", text)
		}
	}
	// Any other message of Envoy is no reason to fail.
	if c, _, problem := envoyconfig.FromDump("x", []byte(`{"configs": [{"@type": "a/b"}]}`)); problem != nil || len(c.Filters()) != 0 {
		t.Errorf("%+v, %v", c, problem)
	} else {
		doctor.CheckRunning(doctor.Running{Config: c}, doctor.Options{})
	}
}
