package adopt_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// The file with the listeners is adopted before the bootstrap. The running Envoy keeps the
// listener, and the changed listener waits.
func TestListenersOfARunningEnvoy(t *testing.T) {
	t.Parallel()
	const name = "files.yaml"
	w := newWorld(t, name)
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: read(t, w.write(name))})
	envoy.WaitReady()
	before := w.ask(web("web", "/"))
	w.adopt(filepath.Join(w.dir, "lds.yaml"), "--filter", "auth", "--in-place", "--specs", t.TempDir())
	envoy.WaitStat("listener_manager.total_listeners_warming", 1)
	if diff := cmp.Diff(before, w.ask(web("web", "/"))); diff != "" {
		t.Errorf("-before +after:\n%s", diff)
	}
}
