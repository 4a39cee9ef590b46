package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// canaryPause is how long a rollout waits for a lost canary.
const canaryPause = 30 * time.Second

// The server is killed just after a canary has loaded a revision, before the disk has the
// success. An edit of the spec precedes the restart. The next revision goes live on each Envoy
// without a wait.
func TestKilledRightAfterLiveAndEdited(t *testing.T) {
	s := newScenario(t)
	s.write(auth, authModule("v0"), "delivery: inline")
	s.cp.Start()
	var all []*proxy
	for i, o := range []proxyOptions{
		{mode: harness.ADSDelta}, {version: "1.36.4", mode: harness.ADSSotW}, {mode: harness.ECDSDelta},
	} {
		o.node = fmt.Sprintf("edge-%d", i+1)
		e := s.envoy(o)
		e.WaitReady()
		all = append(all, e)
	}
	s.cp.WaitLive(auth, authModule("v0"), len(all))
	all[1].Pause()
	s.write(auth, authModule("v1"), "delivery: inline")
	if !harness.Poll(t.Context(), func() bool { return s.unsettled() == "edge-2" }) {
		t.Fatalf("the disk says of %q that they may hold something", s.unsettled())
	}
	all[1].Resume()
	for live := false; !live; { // no pause: the disk has the success a tenth of a second later
		f, _ := s.cp.Filter(auth)
		live = slices.ContainsFunc(f.Here(), func(sub harness.Subscriber) bool {
			return sub.Node == "edge-2" && sub.State == harness.Live && sub.Revision == f.Candidate || f.Candidate == ""
		})
	}
	s.cp.Kill()
	t.Logf("killed while the disk names %q", s.unsettled())
	s.write(auth, authModule("v2"), "delivery: inline")
	s.cp.Start()
	f := s.cp.WaitLive(auth, authModule("v2"), len(all))
	var nodes []struct {
		ID    string    `json:"id"`
		Since time.Time `json:"since"`
	}
	s.cp.GetJSON("/api/v1/nodes", &nodes)
	for _, sub := range f.Here() {
		for _, node := range nodes {
			// Both times come from the server, so the test's own speed has no influence.
			if waited := sub.Since.Sub(node.Since); node.ID == sub.Node && waited > canaryPause/2 {
				t.Errorf("%s, Envoy %s, had been connected for %s when it got the revision", sub.Node, sub.Envoy, waited)
			}
		}
	}
}

// unsettled returns the unsettled nodes in the state on disk, sorted.
func (s *scenario) unsettled() string {
	var newest struct {
		Seq     uint64 `json:"seq"`
		Filters map[string]struct {
			Nodes map[string]string `json:"nodes"`
		} `json:"filters"`
	}
	files, err := filepath.Glob(filepath.Join(s.cp.StateDir(), "unsettled.json.*"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		next := newest
		next.Filters = nil
		if at := bytes.IndexByte(text, '{'); at >= 0 && json.NewDecoder(bytes.NewReader(text[at:])).Decode(&next) == nil && next.Seq > newest.Seq {
			newest = next
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(newest.Filters[auth].Nodes)), " ")
}

// While a canary is stopped, and after a kill, the status names the canary and the end of the
// wait. As soon as the canary returns, the rollout continues.
func TestRolloutThatWaitsSaysForWhom(t *testing.T) {
	s := newScenario(t)
	spec := lines("delivery: inline", "rollout: {canary: {ids: [edge-1]}}")
	s.write(auth, authModule("v1"), spec)
	s.cp.Start()
	var all []*proxy
	for i := range 3 {
		e := s.envoy(proxyOptions{node: fmt.Sprintf("edge-%d", i+1)})
		e.WaitReady()
		all = append(all, e)
	}
	first := s.cp.WaitLive(auth, authModule("v1"), len(all))
	l := s.traffic(all[1].web[0])
	l.live("v1")
	all[0].Pause()
	s.write(auth, authModule("v2"), spec)
	f := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.WaitsFor("edge-1", "canary_loads") })
	if f.Rollout.State != "waiting" || f.Rollout.WaitsFor[0].Until.IsZero() || f.Revision != first.Revision || f.Candidate != f.Rollout.Revision {
		t.Errorf("%+v, %+v", f, f.Rollout)
	}
	for command, words := range map[string]string{
		"status": "the rollout of revision " + f.Candidate + " waits it waits: ", "status " + auth: "The rollout waits: ",
	} {
		out := s.command(0, strings.Fields(command)...)
		words += "edge-1 (Envoy " + harness.DefaultVersion + ") loads it, and has not answered yet; it is waited for until "
		if !strings.Contains(strings.Join(strings.Fields(out), " "), words) {
			t.Errorf("%s:\n%s", command, out)
		}
	}
	s.cp.WaitLog(`"a rollout waits"`)
	all[0].Kill()
	f = s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.WaitsFor("edge-1", "canary_lost") })
	if w := f.Rollout.WaitsFor[0]; !strings.Contains(w.Message, "lost its stream before it answered") || w.Until.Sub(w.Since) != canaryPause {
		t.Errorf("%+v", w)
	}
	s.cp.WaitLog("lost its stream before it answered")
	all[0].Restart()
	f = s.cp.WaitLive(auth, authModule("v2"), len(all))
	l.live("v2")
	if f.Rollout != nil {
		t.Errorf("live everywhere, and still %+v", f.Rollout)
	}
	s.cp.WaitLog(`"a rollout waits no more"`)
	l.end()
}

// If a canary policy names no connected node, the rollout waits, also over a restart, until a
// user promotes the candidate or edits the policy.
func TestCanaryThatIsNotThere(t *testing.T) {
	s := newScenario(t)
	nobody := "rollout: {canary: {ids: [edge-9]}}\n"
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	pair := s.deltaAndSotW(authModule("v1"), "v1")
	held := func(before, module []byte) harness.FilterStatus {
		t.Helper()
		s.write(auth, before, nobody) // first: a slow machine may take the module and the spec as two edits
		s.write(auth, module, nobody)
		return s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Candidate != "" && f.WaitsFor("", "no_canary_matches") })
	}
	lives := func(stamp string) {
		t.Helper()
		s.cp.WaitLive(auth, authModule(stamp), 2)
		for _, l := range pair {
			l.live(stamp)
		}
	}
	f := held(authModule("v1"), authModule("v2"))
	if f.Error != nil || !strings.Contains(f.Rollout.WaitsFor[0].Message, "edge-9") {
		t.Errorf("%+v, %+v", f.Error, f.Rollout)
	}
	s.cp.WaitLog(`"a rollout waits"`)
	s.cp.Restart()
	s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
		return f.WaitsFor("", "no_canary_matches") && len(f.Here()) == 2
	})
	if out := s.command(0, "rollout", "promote", auth, "--wait", "1m"); !strings.Contains(out, "revision "+f.Candidate+" is served, and runs on 2 of 2 Envoys") {
		t.Errorf("promoted:\n%s", out)
	}
	lives("v2")
	if out := s.command(1, "rollout", "promote", auth); !strings.Contains(out, "has no rollout under way") {
		t.Errorf("a second time:\n%s", out)
	}
	held(authModule("v2"), authModule("v3"))
	s.write(auth, authModule("v3"), "rollout: {canary: 1}\n")
	lives("v3")
	for _, l := range pair {
		l.end()
	}
}

// An Envoy refuses a revision for a temporary cause: a missing environment variable. Only a retry
// sends the revision again, and Envoy refuses a bad revision again.
func TestRetry(t *testing.T) {
	s := newScenario(t, withoutSandbox()...)
	spec := lines("delivery: inline", "vm: {hostEnv: [AUTH_KEY]}")
	good := authModule("v1")
	s.write(auth, good, "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	s.cp.WaitLive(auth, good, 1)
	needy := testfilter.HTTP{Stamp: "v2", RequireToken: true, EchoEnv: "AUTH_KEY", NeedsEnv: true}.Module()
	s.write(auth, needy, spec)
	refused := func(f harness.FilterStatus) bool {
		return f.Error.CodeOrNone() == rejectedByEnvoy && settled(f) && len(f.Here()) == 1
	}
	s.cp.WaitFilter(auth, refused)
	before := envoy.FilterStats(auth)["update_rejected"]
	// The cause persists: the Envoy gets the revision in other bytes and refuses again.
	if out := s.command(1, "retry", auth, "--wait", "1m"); !strings.Contains(out, "refused revision") {
		t.Errorf("the cause is there still:\n%s", out)
	}
	s.cp.WaitFilter(auth, refused)
	if n := envoy.FilterStats(auth)["update_rejected"] - before; n != 1 {
		t.Errorf("the Envoy has refused it %d times more", n)
	}
	envoy.SetEnv("AUTH_KEY=secret")
	envoy.Restart()
	f := s.cp.WaitFilter(auth, refused)
	if f.LiveModule(harness.SHA256(needy), 1) {
		t.Error("it is live without a retry")
	}
	if out := s.command(0, "retry", auth, "--wait", "1m"); !strings.Contains(out, "is served, and runs on 1 of 1 Envoy") {
		t.Errorf("the cause has passed:\n%s", out)
	}
	s.cp.WaitLive(auth, needy, 1)
	waitAnswer(t, envoy.web[0], map[string]string{"token": "ok"}, func(a harness.Answer) bool { return a.Stamp() == "v2" })
	if out := s.command(1, "retry", auth); !strings.Contains(out, "nothing of filter \"auth\" was refused") {
		t.Errorf("there is nothing to retry:\n%s", out)
	}
}
