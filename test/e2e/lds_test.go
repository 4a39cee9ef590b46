package e2e_test

import (
	"net/http"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// dynamic is an Envoy that gets all listeners from LDS.
type dynamic struct {
	*proxy
	s         *scenario
	lds       *ldsServer
	bootstrap harness.Bootstrap
	ports     map[string]int // by listener name
	updates   uint32
}

// dynamic starts an Envoy without listeners.
func (s *scenario) dynamic(mode harness.Mode, node string, args ...string) *dynamic {
	s.t.Helper()
	d := &dynamic{s: s, lds: startLDS(s.t), ports: map[string]int{}, bootstrap: harness.Bootstrap{
		Mode: mode, NodeID: node, XDSAddress: s.cp.XDSAddress(), ModulesAddress: s.cp.ModulesAddress(),
		Upstreams: []string{s.upstream.Address()},
	}}
	d.bootstrap.LDSAddress = d.lds.address
	d.proxy = &proxy{EnvoyProcess: harness.StartEnvoy(s.t, harness.EnvoyOptions{Bootstrap: d.bootstrap.YAML(s.t), ExtraArgs: args})}
	return d
}

// listen adds or replaces the named listener with a filter and returns the listener's address.
func (d *dynamic) listen(name, filter string) string {
	d.s.t.Helper()
	if d.ports[name] == 0 {
		d.ports[name] = harness.FreePort(d.s.t)
	}
	listener := d.bootstrap.Listener(d.s.t, harness.HTTPListener{
		Name: name, Port: d.ports[name], Upstream: d.s.upstream.Address(), Filters: harness.Filters(filter),
	})
	// Each update differs, so Envoy makes a new listener.
	d.updates++
	listener.PerConnectionBufferLimitBytes = wrapperspb.UInt32(1<<20 + d.updates)
	d.lds.set(listener)
	address := harness.Loopback(d.ports[name])
	d.web = []string{address}
	return address
}

// Envoy stores a refused revision. The next update of the listener would fail unless the server
// pushed the good revision again.
func TestListenerUpdateAfterRejection(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t, withoutSandbox()...)
			v1, v2 := authModule("v1"), authModule("v2")
			s.write(auth, v1, "")
			s.cp.Start()
			d := s.dynamic(mode, "edge-1")
			d.listen("web", auth)
			s.cp.WaitLive(auth, v1, 1)
			l := s.load(d.proxy)
			l.live("v1")
			s.write(auth, testfilter.HTTP{Stamp: "bad", MissingImport: true}.Module(), "")
			s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
				return f.Error != nil && f.Module.SHA256 == harness.SHA256(v1) &&
					each(f, 1, func(sub harness.Subscriber) bool { return sub.Revision == f.Revision && sub.State != harness.Pending })
			})
			d.listen("web", auth)
			d.WaitStat("listener_manager.listener_modified", 1)
			d.WaitStat("listener_manager.workers_started", 1)
			l.load.WaitRequests(100)
			s.swap(auth, v2, "", 1)
			l.live("v2")
			d.listen("web", auth)
			d.WaitStat("listener_manager.listener_modified", 2)
			l.end()
		})
	}
}

// A listener disappears and returns. The server sends the filter again at once, although Envoy
// had accepted the filter before. Without a control plane in between, the filter also returns. A
// second listener serves all the time.
func TestListenerComesBack(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode)+"/control plane down", func(t *testing.T) {
			listenerComesBack(t, mode, func(s *scenario, takeAway, bringBack func()) {
				s.cp.Kill()
				takeAway()
				bringBack()
				s.cp.Start()
			})
		})
		t.Run(string(mode)+"/control plane up", func(t *testing.T) {
			listenerComesBack(t, mode, func(s *scenario, takeAway, bringBack func()) {
				takeAway()
				s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return len(f.Here()) == 0 })
				bringBack()
			})
		})
	}
}

func listenerComesBack(t *testing.T, mode harness.Mode, while func(s *scenario, takeAway, bringBack func())) {
	s := newScenario(t)
	v1, v2, other := authModule("v1"), authModule("v2"), authModule("other")
	s.write(auth, v1, "")
	s.write("other", other, "")
	s.cp.Start()
	// A draining listener keeps the filter until the drain ends.
	d := s.dynamic(mode, "edge-1", "--drain-time-s", "1")
	comesBack := d.listen("web", auth)
	d.listen("stays", "other")
	s.cp.WaitLive(auth, v1, 1)
	s.cp.WaitLive("other", other, 1)
	stays := s.load(d.proxy)
	stays.live("other")
	waitAnswer(t, comesBack, nil, func(a harness.Answer) bool { return guarded(a) == harness.OK })

	while(s, func() {
		d.lds.remove("web")
		d.waitNotDraining()
	}, func() { d.listen("web", auth) })
	waitAnswer(t, comesBack, nil, func(a harness.Answer) bool {
		if guarded(a) != harness.OK {
			t.Errorf("the listener that is back answers %+v", a)
		}
		return true
	})
	s.cp.WaitLive(auth, v1, 1)
	back := s.load(d.proxy)
	back.live("v1")
	s.swap(auth, v2, "", 1)
	back.live("v2")
	back.end()
	stays.end()
}

// waitNotDraining waits until the drain of removed listeners has ended.
func (d *dynamic) waitNotDraining() {
	d.s.t.Helper()
	if !harness.Poll(d.s.t.Context(), func() bool {
		stats := d.Stats("listener_manager.")
		return stats["listener_manager.listener_removed"] > 0 && stats["listener_manager.total_listeners_draining"] == 0
	}) {
		d.s.t.Fatal("a removed listener drains for ever")
	}
}

// While a listener warms, its stream gets no remote update, because the NACK of a remote push
// would open the listener with a 500. The update goes inline.
func TestUpdateWhileListenerWarms(t *testing.T) {
	t.Parallel()
	for _, mode := range []harness.Mode{harness.ADSDelta, harness.ADSSotW} {
		t.Run(string(mode), func(t *testing.T) {
			const late = "late"
			s := newScenario(t)
			v1, v2, v3 := authModule("v1"), authModule("v2"), authModule("v3")
			spec := "rollout: {canary: {ids: [edge-1]}}"
			s.write(auth, v1, spec)
			s.cp.Start()
			d := s.dynamic(mode, "edge-1")
			d.listen("web", auth)
			// The canary of the new filter is a stopped Envoy. The other Envoy waits two seconds
			// for the canary, and its listener warms.
			stopped := s.dynamic(mode, "stopped")
			stopped.listen("first", late)
			s.cp.WaitLive(auth, v1, 1)
			l := s.load(d.proxy)
			l.live("v1")
			s.cp.WaitFilter(late, isUnknown)
			stopped.Pause()
			t.Cleanup(stopped.Resume)
			module := testfilter.HTTP{Stamp: "late"}.Module()
			s.write(late, module, "rollout: {canary: {ids: [stopped]}}")
			s.cp.WaitFilter(late, func(f harness.FilterStatus) bool { return f.State == harness.Active })
			second := d.listen("second", late)
			s.cp.WaitFilter(late, func(f harness.FilterStatus) bool { return len(f.Here()) == 2 })
			got := s.swap(auth, v2, spec, 1).Here()[0]
			// On a slow machine the wait may be over.
			if warms := !harness.Listening(d.ports["second"]); warms && got.Variant != "inline" {
				t.Errorf("while a listener warms, an update comes as %s", got.Variant)
			}
			l.live("v2")
			waitAnswer(t, second, nil, func(a harness.Answer) bool {
				if a.Status != http.StatusServiceUnavailable || denied(late)(a) != harness.OK {
					t.Errorf("a listener that waits for its canary opens with %+v", a)
				}
				return true
			})
			stopped.Resume()
			s.cp.WaitLive(late, module, 2)
			waitAnswer(t, second, nil, func(a harness.Answer) bool { return a.Stamp() == "late" })
			if got := s.swap(auth, v3, spec, 1).Here()[0]; got.Variant != "remote" {
				t.Errorf("when nothing warms any more, an update comes as %s", got.Variant)
			}
			l.live("v3")
			l.end()
		})
	}
}

// One of three filters is bad at boot. The two good filters go live. The built-in deny serves in
// place of the bad filter, and no request bypasses the filter.
func TestOneBadFilterOfThreeAtBoot(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			s := newScenario(t, withoutSandbox()...)
			const bad = "bad" // sorted between the good filters
			first, last := authModule("first"), authModule("last")
			s.write(auth, first, "")
			s.write(bad, testfilter.HTTP{Stamp: "bad", MissingImport: true}.Module(), "")
			s.write("last", last, "")
			s.cp.Start()
			envoy := s.envoy(proxyOptions{mode: mode, web: [][]harness.Filter{
				harness.Filters(auth), harness.Filters(bad), harness.Filters("last"),
			}})
			// On an ADS stream the NACK of the bad filter opens the listeners of the good filters
			// with a 500 before they are live. No other early answer is allowed.
			for _, address := range envoy.web {
				waitAnswer(t, address, nil, func(a harness.Answer) bool {
					if a.Status == http.StatusOK {
						t.Errorf("a filter was bypassed: %+v", a)
					}
					return true
				})
			}
			s.cp.WaitLive(auth, first, 1)
			s.cp.WaitLive("last", last, 1)
			s.cp.WaitFilter(bad, func(f harness.FilterStatus) bool {
				return f.State == harness.Rejected && f.Error != nil &&
					each(f, 1, func(sub harness.Subscriber) bool { return sub.State == harness.Rejected && sub.Variant == "deny" })
			})
			loads := []*traffic{
				s.traffic(envoy.web[0]), s.traffic(envoy.web[2]), s.traffic(envoy.web[1], harness.Request{Judge: denied(bad)}),
			}
			loads[0].live("first")
			loads[1].live("last")
			for _, l := range loads {
				l.end()
			}
			good := authModule("good")
			s.swap(bad, good, "", 1)
			waitAnswer(t, envoy.web[1], withToken(), func(a harness.Answer) bool { return a.Stamp() == "good" })
		})
	}
}
