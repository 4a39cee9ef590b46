package health

import (
	"fmt"
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

// onEnvoys rolls out good revisions on four real Envoys, and returns how many went back.
func onEnvoys(t harness.TB, edits int) (refused int, err error) {
	dir := filepath.Join(t.TempDir(), "filters")
	module := func(n int) []byte { return testfilter.HTTP{Stamp: fmt.Sprintf("v%d", n)}.Module() }
	write := func(n int) {
		harness.WriteFilter(t, dir, filter, module(n), "rollout:\n  canary: {ids: [a-1.36.4, a-1.40.0]}\n  steps: [3]\n  soak: 10s\n  health: {after: 0s}\n")
	}
	write(0)
	plane := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir, Args: []string{"--log-level", "info"}})
	seed := uint64(0)
	for _, version := range versions() {
		for _, node := range []string{"a-", "b-"} {
			port := harness.FreePort(t)
			seed++
			b := harness.Bootstrap{
				XDSAddress: plane.XDSAddress(), ModulesAddress: plane.ModulesAddress(), NodeID: node + version, StatsInterval: "1s",
				HTTP: []harness.HTTPListener{{Name: "web", Port: port, Filters: harness.Filters(filter), Upstream: startNoisy(t, seed)}},
			}
			harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: b.YAML(t)}).WaitReady()
			startLoad(t, port)
		}
	}
	plane.WaitLive(filter, module(0), 4)
	for n := 1; n <= edits; n++ {
		write(n)
		sha := harness.SHA256(module(n))
		st := plane.WaitFilter(filter, func(st harness.FilterStatus) bool {
			return st.LiveModule(sha, 4) || st.Error != nil && st.Error.Code == "unhealthy"
		})
		if !st.LiveModule(sha, 4) {
			t.Logf("a good revision was refused: %s", st.Error.Message)
			refused++
		}
	}
	return refused, nil
}
