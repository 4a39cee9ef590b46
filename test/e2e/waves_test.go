package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// wavesTest is a filter on four Envoys of two versions, with rollouts in three waves: an Envoy of
// each version, three Envoys, all.
type wavesTest struct {
	*scenario
	envoys []*proxy
	load   *traffic
	number int
	before string // the revision before the last
	last   string
}

// A rollout goes through three waves. The server is killed in each step: before a canary has
// answered, in a soak, in the next wave, in a pause, and in the watch after the promotion. The
// Envoys of each wave stay the same, and each rollout ends the same: all Envoys run the revision,
// and no Envoy has lost a request.
func TestKilledInEachStepOfARollout(t *testing.T) {
	w := &wavesTest{scenario: newScenario(t)}
	w.write(auth, authModule("v0"), "")
	w.cp.Start()
	for i, version := range []string{"1.40.0", "1.40.0", "1.40.0", "1.36.4"} {
		w.envoys = append(w.envoys, w.envoy(proxyOptions{version: version, node: fmt.Sprintf("edge-%d", i+1)}))
	}
	w.cp.WaitLive(auth, authModule("v0"), len(w.envoys))
	w.load = w.traffic(w.envoys[0].web[0])
	w.load.live("v0")

	w.roll("canary", "soak: 1s", func() { w.kill(nil) })
	w.roll("soak", "soak: 2s", func() { w.kill(w.wave(0, "soaking")) })
	w.roll("step", "soak: 2s", func() { w.kill(w.wave(1, "soaking")) })
	w.roll("pause", "soak: 1s", func() {
		first := w.wave(0, "soaking")
		w.command(0, "rollout", "pause", auth, "--reason", "lunch")
		w.kill(first)
		w.wave(0, "paused")
		w.command(0, "rollout", "resume", auth)
	})
	w.roll("pause of the spec", "pause: true", func() {
		w.kill(w.wave(0, "paused"))
		w.wave(0, "paused")
		w.command(0, "rollout", "promote", auth)
		w.kill(w.wave(1, "paused"))
		w.wave(1, "paused")
		w.command(0, "rollout", "promote", auth)
	})
	w.roll("watch", "health: {minRequests: 1, after: 2s}", func() {
		w.wave(0, "soaking") // these Envoys send no figures
		w.command(0, "rollout", "promote", auth)
		w.wave(1, "soaking")
		w.command(0, "rollout", "promote", auth)
		w.wave(2, "soaking")
		w.kill(nil)
		w.wave(2, "soaking")
	})
	w.load.end()
	w.back()
}

// roll rolls out another module, lets something happen, and waits until the rollout is over.
func (w *wavesTest) roll(name, rollout string, during func()) {
	w.t.Helper()
	w.t.Log("killed in: " + name)
	w.number++
	module := authModule(fmt.Sprintf("v%d", w.number))
	w.write(auth, module, fmt.Sprintf("rollout: {canary: 1, steps: [3], %s}\n", rollout))
	during()
	f := w.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
		return f.LiveModule(harness.SHA256(module), len(w.envoys)) && f.Rollout == nil && f.Candidate == ""
	})
	w.before, w.last = w.last, f.Revision
	w.load.live(fmt.Sprintf("v%d", w.number))
}

// wave waits until a wave is in a state, and returns the nodes that run the revision. No other wave
// has begun.
func (w *wavesTest) wave(wave int, state string) (nodes []string) {
	w.t.Helper()
	want := []int{2, 3, 4}[wave]
	w.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
		nodes = nil
		if f.Rollout == nil || f.Rollout.Wave != wave || f.Rollout.Waves[wave].State != state {
			return false
		}
		for _, s := range f.Here() {
			if s.Revision == f.Rollout.Revision {
				nodes = append(nodes, s.Node)
			}
		}
		return len(nodes) >= want
	})
	slices.Sort(nodes)
	if len(nodes) != want {
		w.t.Errorf("wave %d has the Envoys %v, want %d", wave, nodes, want)
	}
	return nodes
}

// kill kills the server and starts another. The Envoys of the wave stay the same; nil: any.
func (w *wavesTest) kill(before []string) {
	w.t.Helper()
	w.cp.Kill()
	w.cp.Start()
	if before == nil {
		return
	}
	f := w.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return len(f.Here()) == len(w.envoys) && f.Rollout != nil })
	for _, s := range f.Here() {
		if in := slices.Contains(before, s.Node); !in && f.Rollout.Waves[f.Rollout.Wave].Envoys == len(before) && s.Revision == f.Rollout.Revision {
			w.t.Errorf("%s runs the revision after the restart, and the wave was %v", s.Node, before)
		}
	}
}

// back aborts a rollout. Its Envoys get the stable revision, over a restart, too.
func (w *wavesTest) back() {
	w.t.Helper()
	stable := authModule(fmt.Sprintf("v%d", w.number))
	w.write(auth, authModule("aborted"), "rollout: {canary: 1, steps: [3], soak: 1m}\n")
	w.wave(0, "soaking")
	w.command(0, "rollout", "abort", auth, "--reason", "wrong key")
	for range 2 {
		w.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
			return f.LiveModule(harness.SHA256(stable), len(w.envoys)) && f.Error.CodeOrNone() == "rollout_aborted"
		})
		w.kill(nil)
	}
	w.command(0, "freeze", "on", "--reason", "the end")
	w.kill(nil)
	w.write(auth, authModule("frozen"), "")
	w.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
		return f.Rollout != nil && f.Rollout.State == "frozen" && f.LiveModule(harness.SHA256(stable), len(w.envoys))
	})
	w.command(0, "rollback", auth, w.before) // no freeze holds it
	w.cp.WaitLive(auth, authModule(fmt.Sprintf("v%d", w.number-1)), len(w.envoys))
	w.command(0, "freeze", "off")
}
