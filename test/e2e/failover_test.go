package e2e_test

import (
	"os/exec"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// servers are two control plane processes with the same directory of specs.
type servers struct {
	*scenario
	all [2]*harness.ControlPlane
}

// newServers starts both.
func newServers(t *testing.T) *servers {
	t.Helper()
	s := &servers{scenario: newScenario(t)}
	s.write(auth, authModule("v1"), "")
	s.all = [2]*harness.ControlPlane{s.cp, harness.NewControlPlane(t, harness.ControlPlaneOptions{Dir: s.dir})}
	for _, cp := range s.all {
		cp.Start()
	}
	return s
}

// start starts an Envoy with a bootstrap that has both servers.
func (s *servers) start(version string) (*harness.EnvoyProcess, *traffic) {
	s.t.Helper()
	web := harness.Loopback(harness.FreePort(s.t))
	args := []string{"bootstrap", s.dir, "--listen-address", web, "--upstream-address", s.upstream.Address(), "--node-id", "envoy-" + version}
	for _, cp := range s.all {
		args = append(args, "--xds-server", cp.XDSAddress(), "--modules-server", cp.ModulesAddress())
	}
	out, err := exec.CommandContext(s.t.Context(), harness.BuildBinary(s.t), args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	envoy := harness.StartEnvoy(s.t, harness.EnvoyOptions{Version: version, Bootstrap: string(out)})
	envoy.WaitReady()
	load := harness.StartLoad(s.t, harness.LoadOptions{Address: web, Requests: authRequests(), Workers: 2, Rate: 110})
	return envoy, &traffic{t: s.t, load: load}
}

// Envoys have two servers in their bootstraps, and each server ends in turn: killed, stopped, or
// without a word. The Envoys go to the other server. No request is lost, no filter is loaded again,
// and edits go live there.
func TestEnvoysGoToAnotherServer(t *testing.T) {
	s := newServers(t)
	var envoys []*harness.EnvoyProcess
	var all fleet
	var before []map[string]int64
	for _, version := range []string{"1.40.0", "1.36.4"} {
		envoy, traffic := s.start(version)
		envoys, all = append(envoys, envoy), append(all, traffic)
	}
	all.live("v1")
	for _, e := range envoys {
		before = append(before, waitWorkersOf(t, &proxy{EnvoyProcess: e}, auth))
	}
	untouched := func(what string) {
		t.Helper()
		for i, e := range envoys {
			t.Logf("%s: %d connections", what, e.Stat("cluster.wasm_xds.upstream_cx_total"))
			wantUntouched(t, &proxy{EnvoyProcess: e}, auth, before[i])
		}
	}
	a, b := s.all[0], s.all[1]
	a.Kill()
	b.WaitLive(auth, authModule("v1"), len(envoys))
	untouched("killed")
	a.Start()
	b.Stop()
	a.WaitLive(auth, authModule("v1"), len(envoys))
	untouched("stopped")
	b.Start()
	a.Pause() // Envoy hears no answer to its pings
	b.WaitLive(auth, authModule("v1"), len(envoys))
	untouched("paused")
	a.Resume()
	s.write(auth, authModule("v2"), "delivery: remote")
	b.WaitLive(auth, authModule("v2"), len(envoys))
	all.live("v2")
	all.end()
}
