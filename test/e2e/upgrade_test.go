package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// lastRelease is the commit of v0.1.0, the last release.
const lastRelease = "593601dcb4689ddf855ba8fe5f6091ed8399c9b9"

// A server is upgraded from the last release, downgraded and upgraded again under load. Each binary
// goes on from the other binary's state. Envoys reload nothing, and an edit goes live in each of
// the states.
func TestUpgradeAndDowngrade(t *testing.T) {
	s := newScenario(t, withoutSandbox()...)
	release, head := buildRelease(t), harness.BuildBinary(t)
	s.cp.SetBinary(release)
	u := &upgrade{scenario: s}
	u.makeState()
	for i, step := range []struct {
		name, binary string
		end          func()
	}{
		{"the upgrade", head, s.cp.Stop},
		{"the downgrade", release, s.cp.Stop},
		{"the upgrade after a kill", head, s.cp.Kill},
		{"the downgrade after a kill", release, s.cp.Kill},
		{"the last upgrade", head, s.cp.Stop},
	} {
		before := u.stats()
		step.end()
		s.cp.SetBinary(step.binary)
		s.cp.Start()
		u.wantState(step.name)
		u.wantUntouched(step.name, before)
		u.edit(fmt.Sprintf("v%d", i+2))
	}
	// The last binary still has the revisions of the release.
	s.rollBack(auth, `{"revision": "`+u.first+`"}`, http.StatusOK)
	s.cp.WaitLive(auth, authModule("v0"), len(u.envoys))
	for _, traffic := range u.traffic {
		traffic.live("v0")
		traffic.end()
	}
}

// upgrade is a server with a filter in each kind of state, and two Envoys with all filters.
type upgrade struct {
	*scenario
	envoys  []*proxy
	traffic []*traffic
	served  []byte // module of the filter auth
	first   string // first revision of the filter auth
	good    harness.FilterStatus
}

// The filters beside auth, a filter for each kind of state. Only the Envoy delta asks for the
// refused filter: the refusal of a version stops a rollout only while an Envoy of the version is
// connected.
const (
	keptFilter       = "kept"        // its spec is gone
	refusedFilter    = "refused"     // Envoys refuse the newest revision
	disabledFilter   = "disabled"    // passes requests through
	rolledBackFilter = "rolled-back" // serves the revision before the newest
)

func besideAuth() []string {
	return []string{keptFilter, refusedFilter, disabledFilter, rolledBackFilter}
}

// makeState brings each filter into the filter's state.
func (u *upgrade) makeState() {
	u.t.Helper()
	v0, v1 := authModule("v0"), authModule("v1")
	for _, name := range append(besideAuth(), auth) {
		u.write(name, v0, "")
	}
	u.cp.Start()
	web := [][]harness.Filter{harness.Filters(auth), harness.Filters(keptFilter, disabledFilter, rolledBackFilter)}
	more := append(slices.Clone(web), harness.Filters(refusedFilter))
	u.envoys = []*proxy{
		u.envoy(proxyOptions{mode: harness.ADSDelta, node: "delta", web: more}),
		u.envoy(proxyOptions{mode: harness.ECDSSotW, node: "sotw", web: web, version: "1.36.4"}),
	}
	for _, name := range append(besideAuth(), auth) {
		n := len(u.envoys)
		if name == refusedFilter {
			n = 1
		}
		f := u.cp.WaitLive(name, v0, n)
		if name == auth {
			u.first = f.Revision
		}
		if name == refusedFilter {
			u.good = f
		}
	}
	for _, envoy := range u.envoys {
		u.traffic = append(u.traffic, u.scenario.traffic(envoy.web[0]))
	}
	if err := os.Remove(filepath.Join(u.dir, keptFilter+".yaml")); err != nil {
		u.t.Fatal(err)
	}
	u.write(refusedFilter, testfilter.HTTP{Stamp: "bad", ConfigureFails: true}.Module(), "")
	u.write(disabledFilter, v0, "disabled: true\n")
	u.swap(rolledBackFilter, v1, "", len(u.envoys))
	u.rollBack(rolledBackFilter, "{}", http.StatusOK)
	u.edit("v1")
	u.wantState("the release")
}

// wantState waits until each filter is in its state.
func (u *upgrade) wantState(when string) {
	u.t.Helper()
	u.t.Log("the state after " + when)
	n := len(u.envoys)
	u.cp.WaitLive(auth, u.served, n)
	u.cp.WaitFilter(keptFilter, func(f harness.FilterStatus) bool { return f.State == harness.Removed && f.LiveOn(n) })
	mustStayRejected(u.t, when, u.cp.WaitFilter(refusedFilter, func(f harness.FilterStatus) bool {
		return f.Error.CodeOrNone() == rejectedByEnvoy && len(f.Here()) == 1 && settled(f)
	}), u.good)
	u.cp.WaitFilter(disabledFilter, func(f harness.FilterStatus) bool { return f.Disabled && settled(f) && len(f.Here()) == n })
	u.cp.WaitFilter(rolledBackFilter, func(f harness.FilterStatus) bool {
		return f.Error.CodeOrNone() == "rolled_back" && f.LiveModule(harness.SHA256(authModule("v0")), n)
	})
}

// edit swaps the module of the filter auth and waits until the module is live.
func (u *upgrade) edit(stamp string) {
	u.t.Helper()
	u.served = authModule(stamp)
	u.swap(auth, u.served, "", len(u.envoys))
	for _, traffic := range u.traffic {
		traffic.live(stamp)
		traffic.load.WaitStamp(stamp)
	}
}

// stats returns the counters of each Envoy and filter once they rest. Envoy counts a reload when
// all workers have an update, which may be after its ACK.
func (u *upgrade) stats() []map[string]map[string]int64 {
	u.t.Helper()
	var last []map[string]map[string]int64
	rest := func() bool {
		before := last
		last = nil
		for _, envoy := range u.envoys {
			counters := map[string]map[string]int64{}
			for _, name := range append(besideAuth(), auth) {
				counters[name] = envoy.FilterStats(name)
			}
			last = append(last, counters)
		}
		for _, traffic := range u.traffic {
			traffic.load.WaitRequests(100)
		}
		return reflect.DeepEqual(before, last)
	}
	if !harness.Poll(u.t.Context(), rest) {
		u.t.Fatalf("the counters do not rest: %v", last)
	}
	return last
}

func (u *upgrade) wantUntouched(when string, before []map[string]map[string]int64) {
	u.t.Helper()
	u.t.Log("the counters after " + when)
	for i, envoy := range u.envoys {
		for name, counters := range before[i] {
			if name == disabledFilter {
				// v0.1.0 names stand-ins otherwise, so the server sends them again.
				counters["config_reload"] = envoy.FilterStats(name)["config_reload"]
			}
			wantUntouched(u.t, envoy, name, counters)
		}
	}
}

// buildRelease builds the last release from the history of the repository.
func buildRelease(t *testing.T) string {
	t.Helper()
	repository := program.Repository()
	if err := exec.CommandContext(t.Context(), "git", "-C", repository, "cat-file", "-e", lastRelease+"^{commit}").Run(); err != nil {
		t.Fatalf("the commit %s of the last release is missing: %v\nget the whole history: git fetch --unshallow", lastRelease, err)
	}
	source := t.TempDir()
	archive := exec.CommandContext(t.Context(), "git", "-C", repository, "archive", lastRelease)
	extract := exec.CommandContext(t.Context(), "tar", "-x", "-C", source)
	pipe, err := archive.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	extract.Stdin = pipe
	var problems strings.Builder
	archive.Stderr, extract.Stderr = &problems, &problems
	for _, step := range []func() error{extract.Start, archive.Run, extract.Wait} {
		if err := step(); err != nil {
			t.Fatalf("the source of the last release: %v\n%s", err, problems.String())
		}
	}
	binary := filepath.Join(t.TempDir(), "wasm-xds")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/wasm-xds")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the build of the last release: %v\n%s", err, out)
	}
	return binary
}
