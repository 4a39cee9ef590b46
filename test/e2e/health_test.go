package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// The path with requests that a filter of [TestHealth] fails.
const failPath = "/orders"

// healthFleet has four Envoys of two versions under load. Two of them, one of each version, are the
// canaries.
type healthFleet struct {
	*scenario
	canaries []string
	all      []*proxy
	stables  []*harness.Load // on the Envoys that are no canaries
	stamps   []string        // of the revisions that may reach all Envoys
	reason   string          // for which the last revision went back
	after    string          // how long a revision is watched after its promotion
}

// newHealthFleet starts the Envoys with the first revision.
func newHealthFleet(t *testing.T) *healthFleet {
	s := newScenario(t, withoutSandbox()...)
	f := &healthFleet{scenario: s, canaries: []string{"canary-1.36.4", "canary-1.40.0"}, stamps: []string{"v1"}, after: "0s"}
	f.edit("v1", testfilter.Faults{}, "closed", "0s", "")
	s.cp.Start()
	pressure := &pressure{dir: t.TempDir(), envoys: map[string]*proxy{}}
	for _, version := range []string{"1.36.4", "1.40.0"} {
		for _, role := range []string{"canary", "other"} {
			node := role + "-" + version
			e := s.envoy(proxyOptions{version: version, node: node, change: func(b *harness.Bootstrap) {
				b.StatsInterval, b.PressureFile = "1s", pressure.file(node)
			}})
			pressure.envoys[node] = e
			f.all = append(f.all, e)
		}
	}
	s.cp.WaitLive(auth, f.module("v1", testfilter.Faults{}), len(f.all))
	pressure.follow(t)
	for i, e := range f.all {
		e.WaitReady()
		options := harness.LoadOptions{Address: e.web[0], Workers: 2, Rate: 30, Requests: []harness.Request{{}, {}, {Path: failPath}}}
		if i%2 == 0 {
			for n := range options.Requests {
				options.Requests[n].Judge = func(harness.Answer) harness.Verdict { return harness.OK }
			}
			harness.StartLoad(t, options)
			continue
		}
		f.stables = append(f.stables, harness.StartLoad(t, options))
	}
	return f
}

func (f *healthFleet) module(stamp string, faults testfilter.Faults) []byte {
	return testfilter.HTTP{Stamp: stamp, Faults: faults, MissingImport: stamp == refusedStamp}.Module()
}

// refusedStamp is the stamp of a revision that Envoys refuse.
const refusedStamp = "refused"

// edit writes a revision with a fault.
func (f *healthFleet) edit(stamp string, faults testfilter.Faults, policy, soak, health string) {
	f.t.Helper()
	f.write(auth, f.module(stamp, faults), lines(
		"failurePolicy: "+policy,
		"rollout:",
		"  canary: {ids: ["+strings.Join([]string{"canary-1.36.4", "canary-1.40.0"}, ", ")+"]}",
		"  steps: [3]",
		"  soak: "+soak,
		"  health: {minRequests: 50, after: "+f.after+health+"}",
	))
}

// isBack waits until the Envoys have gone back from the revision of an edit, and returns the
// reason.
func (f *healthFleet) isBack() string {
	f.t.Helper()
	sha := harness.SHA256(f.module(f.stamps[len(f.stamps)-1], testfilter.Faults{}))
	st := f.cp.WaitFilter(auth, func(st harness.FilterStatus) bool {
		return st.Error != nil && st.Error.Message != f.reason && st.Module.SHA256 == sha && allRun(st)
	})
	f.reason = st.Error.Message
	return f.reason
}

// allRun reports whether all Envoys run the served revision. The state of an Envoy that has refused
// another is not live.
func allRun(st harness.FilterStatus) bool {
	return !slices.ContainsFunc(st.Here(), func(s harness.Subscriber) bool { return s.Revision != st.Revision })
}

// TestHealth rolls out a good revision through three waves, and then a revision for each fault.
// Each bad revision goes back by itself within its soak, for a reason with the figure. The Envoys
// that are no canaries never run it and lose no request. A revision with a fault that shows only
// after its promotion goes back on all Envoys.
func TestHealth(t *testing.T) {
	f := newHealthFleet(t)
	f.edit("v2", testfilter.Faults{}, "closed", "5s", "")
	f.stamps = append(f.stamps, "v2")
	st := f.cp.WaitLive(auth, f.module("v2", testfilter.Faults{}), 4)
	if st.Error != nil {
		t.Fatalf("the good revision has the error %v", st.Error)
	}
	const soak = 40 * time.Second
	for _, test := range []struct {
		name, policy string
		faults       testfilter.Faults
		health       string // further limits
		reason       string
	}{
		{refusedStamp, "closed", testfilter.Faults{}, "", "Unable to create Wasm"},
		{"traps, closed", "closed", testfilter.Faults{TrapEvery: 50}, "", "because the filter trapped"},
		{"traps, reload", "reload", testfilter.Faults{TrapEvery: 50}, "", "because the filter trapped"},
		{"slow", "closed", testfilter.Faults{Delay: 20 * time.Millisecond}, "", "p50: "},
		{"bypasses", "open", testfilter.Faults{TrapEvery: 50}, ", traps: off", "passed without the filter"},
		{"fails", "reload", testfilter.Faults{FailPath: failPath}, "", "5xx"},
		{"leaks", "open", testfilter.Faults{LeakPages: 2}, ", memory: 5%", "memory in use has grown"},
	} {
		began := time.Now()
		f.edit(test.name, test.faults, test.policy, soak.String(), test.health)
		if reason := f.isBack(); !strings.Contains(reason, test.reason) {
			t.Errorf("%s went back because: %s", test.name, reason)
		}
		if took := time.Since(began); took > soak {
			t.Errorf("%s went back after %s", test.name, took)
		} else {
			t.Logf("%s went back after %s: %s", test.name, took.Round(time.Second/10), f.reason)
		}
	}
	f.figures()
	f.watch()
	for _, load := range f.stables {
		t.Log(load.MustBeClean())
		for stamp := range load.Stamps() {
			if !slices.Contains(f.stamps, stamp) {
				t.Errorf("an Envoy that is no canary has run %q", stamp)
			}
		}
	}
}

// latePath is a path that nobody asks for during the waves of the revision which fails it.
const latePath = "/late"

// watch promotes a revision with a fault that shows only after the promotion, and expects that all
// Envoys go back.
func (f *healthFleet) watch() {
	f.t.Helper()
	f.after = "10m"
	late := testfilter.Faults{FailPath: latePath}
	f.edit("late", late, "closed", "0s", ", errors: {max: 2%}")
	f.cp.WaitFilter(auth, func(st harness.FilterStatus) bool {
		return st.LiveModule(harness.SHA256(f.module("late", late)), len(f.all)) && st.Rollout != nil && st.Rollout.State == "watching"
	})
	for _, e := range f.all {
		anything := func(harness.Answer) harness.Verdict { return harness.OK }
		harness.StartLoad(f.t, harness.LoadOptions{Address: e.web[0], Workers: 1, Rate: 30, Requests: []harness.Request{{Path: latePath, Judge: anything}}})
	}
	reason := f.isBack()
	f.stamps = append(f.stamps, "late") // all Envoys have run it
	if !strings.Contains(reason, "5xx") || !strings.Contains(reason, "at most 2.0% is allowed") {
		f.t.Errorf("the promoted revision went back because: %s", reason)
	}
	f.t.Logf("the promoted revision went back: %s", reason)
}

// figures expects the figures of the Envoys in the API.
func (f *healthFleet) figures() {
	var figures struct {
		Stable struct {
			Revision          string
			Envoys, Reporting int
			Points            []struct{ Requests uint64 }
		}
	}
	f.cp.GetJSON("/api/v1/filters/"+auth+"/figures", &figures)
	requests := uint64(0)
	for _, p := range figures.Stable.Points {
		requests += p.Requests
	}
	if s := figures.Stable; s.Envoys != 4 || s.Reporting < 2 || requests < 1000 {
		f.t.Errorf("the figures are %+v", figures)
	}
}

// pressure writes the memory of Envoys to their files, as an agent on the host would.
type pressure struct {
	dir    string
	envoys map[string]*proxy
}

// memoryLimit is the memory of which the pressure is a share.
const memoryLimit = 256 << 20

func (p *pressure) file(node string) string {
	path := filepath.Join(p.dir, node)
	if err := os.WriteFile(path, []byte("0.1"), 0o600); err != nil {
		panic(err)
	}
	return path
}

// follow writes the files until the test ends.
func (p *pressure) follow(t *testing.T) {
	done := make(chan struct{})
	stopped := make(chan struct{})
	t.Cleanup(func() {
		close(done)
		<-stopped
	})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second / 4)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			for node, e := range p.envoys {
				path := filepath.Join(p.dir, node)
				share := min(1, float64(e.RSS())/memoryLimit)
				_ = os.WriteFile(path+".new", fmt.Append(nil, share), 0o600)
				_ = os.Rename(path+".new", path)
			}
		}
	}()
}
