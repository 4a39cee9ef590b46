package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// Filters of a module with the same vm.id share a VM and keep their own configurations. If an
// edit changes a filter's environment, the filters no longer share a VM.
func TestSharedVM(t *testing.T) {
	t.Parallel()
	for _, version := range versions() {
		t.Run(version, func(t *testing.T) {
			s := newScenario(t)
			module := tellModule("v1")
			const shared = "vm: {id: shared}"
			for _, name := range []string{"one", "two"} {
				s.write(name, module, lines("config: "+name, shared))
				s.write("own-"+name, module, "config: "+name)
			}
			s.cp.Start()
			sharing := s.envoy(proxyOptions{version: version, node: "sharing", web: [][]harness.Filter{
				harness.Filters("one"), harness.Filters("two"),
			}})
			apart := s.envoy(proxyOptions{version: version, node: "apart", web: [][]harness.Filter{
				harness.Filters("own-one"), harness.Filters("own-two"),
			}})
			last := s.cp.WaitLive("one", module, 1)
			for _, name := range []string{"two", "own-one", "own-two"} {
				s.cp.WaitLive(name, module, 1)
			}
			l := s.load(sharing)
			l.live("v1")
			for i, name := range []string{"one", "two"} {
				waitHeader(t, sharing.web[i], testfilter.ConfigHeader, name)
				waitHeader(t, apart.web[i], testfilter.ConfigHeader, name)
			}
			const active = "wasm.envoy.wasm.runtime.v8.active"
			if a, b := sharing.Stat(active), apart.Stat(active); a >= b || a == 0 {
				t.Errorf("%d VMs where one is shared, %d where each filter has its own", a, b)
			}
			s.write("one", module, lines("config: one", "vm: {id: shared, env: {COLOUR: red}}"))
			s.editLive("one", last)
			waitHeader(t, sharing.web[0], testfilter.EnvHeader, "red")
			waitHeader(t, sharing.web[0], testfilter.ConfigHeader, "one")
			waitHeader(t, sharing.web[1], testfilter.EnvHeader, "")
			waitHeader(t, sharing.web[1], testfilter.ConfigHeader, "two")
			l.end()
		})
	}
}

// An Envoy not selected by `nodes` gets the stand-in of the failure policy until an edit selects
// the Envoy.
func TestNodes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		policy, variant, state string
		others                 judge
	}{
		{"closed", "deny", "denied", denied(auth)},
		{"open", "passthrough", harness.Live, passed},
	} {
		t.Run(tc.policy, func(t *testing.T) {
			s := newScenario(t)
			v1, v2 := authModule("v1"), authModule("v2")
			spec := func(nodes string) string { return lines("failurePolicy: "+tc.policy, "nodes: "+nodes) }
			const some = "{ids: [chosen, nobody], metadata: {env: prod}}"
			s.write(auth, v1, spec(some))
			s.cp.Start()
			inEnv := func(env string) func(*harness.Bootstrap) {
				return func(b *harness.Bootstrap) { b.Metadata = map[string]string{"env": env} }
			}
			chosen := s.envoy(proxyOptions{node: "chosen", change: inEnv("prod")})
			other := s.envoy(proxyOptions{node: "other", mode: harness.ECDSSotW, change: inEnv("prod")})
			split := func(f harness.FilterStatus) bool {
				return each(f, 2, func(sub harness.Subscriber) bool {
					if sub.Node == "chosen" {
						return sub.State == harness.Live && sub.Revision == f.Revision && sub.Error == nil
					}
					return sub.State == tc.state && sub.Variant == tc.variant && sub.Error.CodeOrNone() == "node_not_selected"
				})
			}
			s.cp.WaitFilter(auth, split)
			served, spared := s.load(chosen), s.load(other)
			served.live("v1")
			spared.judge(tc.others)
			s.write(auth, v2, spec(some))
			s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return split(f) && f.Module.SHA256 == harness.SHA256(v2) })
			served.live("v2")
			s.becomes([]*loaded{spared}, tc.others, guarded, "v2", func() { s.swap(auth, v2, spec("{metadata: {env: prod}}"), 2) })
			s.becomes([]*loaded{spared}, guarded, tc.others, "", func() {
				s.write(auth, v2, spec(some))
				s.cp.WaitFilter(auth, split)
			})
			served.end()
			spared.end()
		})
	}
}

// A bad revision reaches only the canaries of the rollout. A good revision reaches all Envoys.
func TestCanaries(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		canary string
		see    int
	}{
		{"1", 1},
		{"2", 2},
		{"50%", 2},
		{"{ids: [edge-1, edge-3]}", 2},
		{"0", 3},
	} {
		t.Run(tc.canary, func(t *testing.T) {
			const edges = 3
			s := newScenario(t, withoutSandbox()...)
			spec := lines("delivery: inline", "rollout: {canary: "+tc.canary+"}")
			s.write(auth, authModule("v1"), spec)
			s.cp.Start()
			var all []*proxy
			for i := range edges {
				all = append(all, s.envoy(proxyOptions{node: fmt.Sprintf("edge-%d", i+1), mode: harness.Modes()[i]}))
			}
			s.cp.WaitLive(auth, authModule("v1"), edges)
			l := s.load(all[0])
			l.live("v1")
			bad := testfilter.HTTP{Stamp: "bad", MissingImport: true}.Module()
			s.write(auth, bad, spec)
			s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
				return f.Error != nil && each(f, edges, func(sub harness.Subscriber) bool {
					return sub.Revision == f.Revision && sub.State != harness.Pending
				})
			})
			saw := 0
			for _, e := range all {
				if e.FilterStats(auth)["update_rejected"] > 0 {
					saw++
				}
				waitAnswer(t, e.web[0], nil, func(a harness.Answer) bool { return a.Stamp() == "v1" })
			}
			if saw != tc.see {
				t.Errorf("%d Envoys were sent the bad revision, not %d", saw, tc.see)
			}
			s.swap(auth, authModule("v2"), spec, edges)
			l.live("v2")
			for _, e := range all {
				waitAnswer(t, e.web[0], nil, func(a harness.Answer) bool { return a.Stamp() == "v2" })
			}
			l.end()
		})
	}
}

// A user rolls back on the command line and reads the history. An edit of the spec ends the
// rollback.
func TestRollbackFromTheCommandLine(t *testing.T) {
	s := newScenario(t)
	v1, v2, v3 := authModule("v1"), authModule("v2"), authModule("v3")
	s.write(auth, v1, "")
	s.cp.Start()
	pair := s.deltaAndSotW(v1, "v1")
	lives := func(stamp string, module []byte) string {
		t.Helper()
		f := s.cp.WaitLive(auth, module, 2)
		for _, l := range pair {
			l.live(stamp)
		}
		return f.Revision
	}
	first := lives("v1", v1)
	s.write(auth, v2, "")
	second := lives("v2", v2)
	if out := s.command(0, "history", auth); !strings.Contains(out, second+"  active") || strings.Index(out, second) > strings.Index(out, first+"  earlier") {
		t.Errorf("the history is\n%s", out)
	}
	if out := s.command(0, "rollback", auth, "--wait", "1m"); !strings.Contains(out, "revision "+first+" is served, and runs on 2 of 2 Envoys") ||
		!strings.Contains(out, second+" of the spec is not served") {
		t.Errorf("the rollback says\n%s", out)
	}
	lives("v1", v1)
	s.write(auth, v2, "onRemove: deny") // same content as before
	var taken string
	if !harness.Poll(t.Context(), func() bool {
		taken = s.get("/api/v1/filters/" + auth)
		return strings.Contains(taken, `"onRemove": "deny"`)
	}) || !strings.Contains(taken, `"code": "rolled_back"`) {
		t.Errorf("an edit that reaches no Envoy: %s", taken)
	}
	if out := s.command(1, "rollback", auth, first); !strings.Contains(out, "should run already") || !strings.Contains(out, second+" (earlier)") {
		t.Errorf("a second time:\n%s", out)
	}
	if out := s.command(0, "rollback", auth, second[:4], "--wait", "1m"); !strings.Contains(out, "this is what its spec describes") {
		t.Errorf("forward again:\n%s", out)
	}
	lives("v2", v2)
	s.command(0, "rollback", auth)
	lives("v1", v1)
	s.write(auth, v3, "")
	third := lives("v3", v3)
	if out := s.command(0, "history", auth, "-o", "json"); !strings.Contains(out, third) || strings.Contains(out, `"code": "rolled_back"`) {
		t.Errorf("after an edit:\n%s", out)
	}
	if out := s.command(1, "rollback", "auht"); !strings.Contains(out, `did you mean "`+auth+`"?`) {
		t.Errorf("a near name:\n%s", out)
	}
	for _, l := range pair {
		l.end()
	}
}

// A rollback serves an earlier revision until an edit of the spec, also over a restart.
func TestRollback(t *testing.T) {
	s := newScenario(t)
	v1, v2, v3 := authModule("v1"), authModule("v2"), authModule("v3")
	s.write(auth, v1, "")
	s.cp.Start()
	pair := s.deltaAndSotW(v1, "v1")
	lives := func(stamp string, module []byte) harness.FilterStatus {
		t.Helper()
		f := s.cp.WaitLive(auth, module, 2)
		for _, l := range pair {
			l.live(stamp)
		}
		return f
	}
	s.write(auth, v2, "")
	second := lives("v2", v2)
	s.rollBack(auth, "{}", http.StatusOK)
	first := lives("v1", v1)
	if first.Error.CodeOrNone() != "rolled_back" {
		t.Errorf("the status does not say that it was rolled back: %+v", first.Error)
	}
	s.rollBack(auth, `{"revision": "`+second.Revision+`"}`, http.StatusOK)
	lives("v2", v2)
	s.rollBack(auth, `{"revision": "`+first.Revision+`"}`, http.StatusOK)
	lives("v1", v1)
	s.rollBack(auth, `{"revision": "000000000000"}`, http.StatusNotFound)
	s.rollBack("nobody", `{}`, http.StatusNotFound)
	s.cp.Restart()
	if f := lives("v1", v1); f.Error.CodeOrNone() != "rolled_back" {
		t.Errorf("after a restart the status does not say that it was rolled back: %+v", f.Error)
	}
	s.write(auth, v3, "")
	if f := lives("v3", v3); f.Error != nil {
		t.Errorf("an edit has not ended the rollback: %+v", f.Error)
	}
	for _, l := range pair {
		l.end()
	}
}

// A rollback to a revision with a damaged module in the store is refused at once. Envoys keep
// their revision, and the filter has no error.
func TestRollbackWithoutModule(t *testing.T) {
	s := newScenario(t)
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	first := s.cp.WaitLive(auth, authModule("v1"), 1).Revision
	second := s.swap(auth, authModule("v2"), "", 1).Revision
	module := filepath.Join(s.cp.StateDir(), "modules", harness.SHA256(authModule("v1"))+".wasm")
	if err := os.Chmod(module, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(module, []byte("rotten"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.command(1, "rollback", auth, first); !strings.Contains(out, "the module of revision "+first+" cannot be read") {
		t.Errorf("the rollback says\n%s", out)
	}
	if f, ok := s.cp.Filter(auth); !ok || f.Revision != second || f.Error != nil {
		t.Errorf("the filter is %+v", f)
	}
	waitAnswer(t, envoy.web[0], withToken(), func(a harness.Answer) bool { return a.Stamp() == "v2" })
}
