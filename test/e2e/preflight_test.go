package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// unfit is a module refused by the sandbox.
type unfit struct {
	name   string
	module []byte
	code   string
	cause  string // part of the message
}

func unfits() []unfit {
	return []unfit{
		{"missing import", testfilter.HTTP{Stamp: "bad", MissingImport: true}.Module(), "import_missing", "proxy_no_such_function"},
		{"configure fails", testfilter.HTTP{Stamp: "bad", ConfigureFails: true}.Module(), "configure_refused", "configuration"},
		{"garbage", testfilter.Garbage("bad"), "module_malformed", "malformed"},
		{"no memory", testfilter.NoMemory("bad"), "memory_missing", "memory"},
		{"endless loop", testfilter.LoopOnConfigure("bad"), "step_timeout", "configure"},
	}
}

// A module that would not load, or would crash or hang Envoy, reaches no Envoy. The server makes
// no push, the status shows the cause, and the last good revision keeps serving.
func TestSandboxStandsBeforeEnvoys(t *testing.T) {
	t.Parallel()
	eachVersionAndMode(t, func(t *testing.T, version string, mode harness.Mode) {
		s := newScenario(t)
		s.write(auth, authModule("v0"), "")
		s.cp.Start()
		envoy := s.envoy(proxyOptions{version: version, mode: mode})
		envoy.WaitReady()
		good := s.cp.WaitLive(auth, authModule("v0"), 1)
		load := s.traffic(envoy.web[0])
		load.live("v0")
		for _, bad := range unfits() {
			before := envoy.FilterStats(auth)
			s.write(auth, bad.module, "")
			f := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error.CodeOrNone() == bad.code })
			if f.State != harness.Active || f.Revision != good.Revision || !f.LiveOn(1) {
				t.Errorf("%s: the filter is %+v", bad.name, f)
			}
			if !strings.Contains(f.Error.Message, bad.cause) || f.Error.Hint == "" || f.Error.File != s.file(auth+".yaml") || f.Error.Line != 2 {
				t.Errorf("%s: the error is %+v", bad.name, f.Error)
			}
			if diff := harness.Diff(before, envoy.FilterStats(auth)); len(diff) > 0 {
				t.Errorf("%s: the Envoy got %v", bad.name, diff)
			}
		}
		if s.swap(auth, authModule("v1"), "", 1).Error != nil {
			t.Error("the error stays when a good module comes")
		}
		load.live("v1")
		load.end()
		if log := s.cp.Log(); strings.Count(log, "the sandbox refuses a revision") != len(unfits()) {
			t.Errorf("the log does not tell once of each:\n%s", log)
		}
	})
}

// If the sandbox refuses the first revision, the filter is rejected, and the built-in deny serves
// until a good revision comes.
func TestSandboxRefusesAFirstRevision(t *testing.T) {
	s := newScenario(t)
	bad := unfits()[0]
	s.write(auth, bad.module, "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	f := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return len(f.Here()) == 1 && f.Here()[0].Variant == "deny" })
	if f.State != harness.Rejected || f.Error.CodeOrNone() != bad.code {
		t.Errorf("the filter is %+v", f)
	}
	waitAnswer(t, envoy.web[0], withToken(), func(a harness.Answer) bool { return a.Status == 503 })
	s.swap(auth, authModule("v1"), "", 1)
	waitAnswer(t, envoy.web[0], withToken(), func(a harness.Answer) bool { return a.Stamp() == "v1" })
}

// The server does not serve a revision that fails a test of the spec. After a fix of the test the
// revision goes live.
func TestFailingTestsKeepTheLastGood(t *testing.T) {
	expecting := func(status string) string {
		return lines("tests:", "- name: strangers", "  request: {headers: {token: wrong}}",
			"  expect: {upstream: none, response: {status: "+status+"}}")
	}
	s := newScenario(t)
	s.write(auth, authModule("v0"), expecting("403"))
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	good := s.cp.WaitLive(auth, authModule("v0"), 1)
	load := s.traffic(envoy.web[0])
	load.live("v0")
	open := testfilter.HTTP{Stamp: "open"}.Module() // lets every request pass
	s.write(auth, open, expecting("403"))
	f := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error != nil })
	if f.Error.Code != "test_failed" || f.Error.Line != 4 || !strings.Contains(f.Error.Message, "strangers") || f.Revision != good.Revision {
		t.Errorf("the filter is %+v, its error %+v", f, f.Error)
	}
	s.write(auth, authModule("v1"), expecting("401"))
	s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool {
		return f.Error.CodeOrNone() == "test_failed" && strings.Contains(f.Error.Message, "401")
	})
	s.swap(auth, authModule("v1"), expecting("403"), 1)
	load.live("v1")
	load.end()
}

// A module that needs a newer Envoy goes to the newer Envoys. An old Envoy keeps the last good
// revision, and the status shows the reason.
func TestRefusedByOldEnvoysOnly(t *testing.T) {
	newer := testfilter.HTTP{Stamp: "v1", RequireToken: true, NewImport: true}.Module()
	s := newScenario(t)
	s.write(auth, authModule("v0"), "")
	s.cp.Start()
	var loads []*traffic
	envoys := []*proxy{s.envoy(proxyOptions{version: "1.36.4", node: "old"}), s.envoy(proxyOptions{version: "1.40.0", node: "young"})}
	for _, envoy := range envoys {
		envoy.WaitReady()
		load := s.traffic(envoy.web[0])
		load.live("v0")
		loads = append(loads, load)
	}
	good := s.cp.WaitLive(auth, authModule("v0"), 2)
	before := envoys[0].FilterStats(auth)
	onOne := func(sha string) func(harness.FilterStatus) bool {
		return func(f harness.FilterStatus) bool {
			here := f.Here()
			return len(here) == 2 && f.Module.SHA256 == sha && here[0].State == harness.Rejected &&
				here[1].State == harness.Live && here[1].Revision == f.Revision
		}
	}
	s.write(auth, newer, "")
	f := s.cp.WaitFilter(auth, onOne(harness.SHA256(newer)))
	loads[1].live("v1")
	old := f.Here()[0]
	if old.Revision != good.Revision || old.Error.CodeOrNone() != "import_missing" || !strings.HasPrefix(old.Error.Message, "needs Envoy 1.39 or later") {
		t.Errorf("the old one is %+v, its error %+v", old, old.Error)
	}
	if f.Error != nil || len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0].Message, "fd_tell") {
		t.Errorf("the filter's error is %+v, its warnings %+v", f.Error, f.Warnings)
	}
	if diff := harness.Diff(before, envoys[0].FilterStats(auth)); len(diff) > 0 {
		t.Errorf("the old one got %v", diff)
	}
	s.cp.Restart()
	s.cp.WaitFilter(auth, onOne(harness.SHA256(newer)))
	s.swap(auth, authModule("v2"), "", 2)
	for _, load := range loads {
		load.live("v2")
		load.end()
	}
}

// With warn, the server serves a revision refused by the sandbox and shows the findings.
func TestSandboxWarns(t *testing.T) {
	s := newScenario(t, "--preflight", "warn")
	s.write(auth, authModule("v0"), "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	s.cp.WaitLive(auth, authModule("v0"), 1)
	s.write(auth, unfits()[0].module, "")
	f := s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error.CodeOrNone() == rejectedByEnvoy && settled(f) })
	if len(f.Warnings) != 1 || f.Warnings[0].Code != "import_missing" {
		t.Errorf("the warnings are %+v", f.Warnings)
	}
}

// The server keeps the sandbox's findings over a restart and runs no check again.
func TestVerdictsOverARestart(t *testing.T) {
	s := newScenario(t)
	bad := unfits()[0]
	s.write(auth, authModule("v0"), "")
	s.write("other", bad.module, "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	s.cp.WaitLive(auth, authModule("v0"), 1)
	refused := func() {
		t.Helper()
		s.cp.WaitFilter("other", func(f harness.FilterStatus) bool {
			return f.State == harness.Rejected && f.Error.CodeOrNone() == bad.code
		})
	}
	refused()
	s.cp.Stop()
	s.cp.Start()
	s.cp.WaitLive(auth, authModule("v0"), 1)
	refused()
	metrics := s.get("/metrics")
	if !strings.Contains(metrics, "wasm_xds_preflight_cache_hits_total 2\n") {
		t.Error("two filters should be known")
	}
	if strings.Contains(metrics, "wasm_xds_preflight_seconds_count") {
		t.Error("something was tried again")
	}
}

// Twenty hostile modules arrive at once. The sandbox refuses all, the server's memory stays
// small, and healthy edits go live while the slow checks still run.
func TestHostileModules(t *testing.T) {
	s := newScenario(t)
	s.write(auth, authModule("v0"), "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	s.cp.WaitLive(auth, authModule("v0"), 1)
	load := s.traffic(envoy.web[0])
	load.live("v0")
	hostile := map[string][]byte{}
	for i := range 5 {
		stamp := fmt.Sprint("bad ", i)
		hostile[fmt.Sprintf("loop-%d", i)] = testfilter.LoopOnConfigure(stamp)
		hostile[fmt.Sprintf("grow-%d", i)] = testfilter.GrowOnConfigure(stamp)
		hostile[fmt.Sprintf("memory-%d", i)] = testfilter.NoMemory(stamp)
		hostile[fmt.Sprintf("garbage-%d", i)] = testfilter.Garbage(stamp)
	}
	for name, module := range hostile {
		s.write(name, module, "")
	}
	for i := range 3 {
		stamp := fmt.Sprint("v", i+1)
		s.swap(auth, authModule(stamp), "", 1)
		load.live(stamp)
	}
	// The edits went live before the last slow check ended.
	running := 0
	for _, f := range s.cp.Status() {
		if f.Error.CodeOrNone() == "preflight_running" {
			running++
		}
	}
	if running == 0 {
		t.Error("the healthy edits came after the hostile modules were through")
	}
	peak := s.cp.RSS()
	for name := range hostile {
		f := s.cp.WaitFilter(name, func(f harness.FilterStatus) bool {
			peak = max(peak, s.cp.RSS())
			return f.State == harness.Rejected && f.Error.CodeOrNone() != "preflight_running"
		})
		if f.Error.CodeOrNone() == "" || f.Error.Hint == "" {
			t.Errorf("%s: %+v", name, f.Error)
		}
	}
	const bound = 2 << 30 // some checks use 256 MiB at a time and hold the memory for a moment longer
	if peak > bound {
		t.Errorf("the server took %d MiB", peak>>20)
	}
	t.Logf("the server took %d MiB at most", peak>>20)
	load.end()
}
