package e2e_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// A server with a disk that has become read-only starts, and serves the last state on. Once the
// disk can be written again, the next server goes on as usual.
func TestReadOnlyStateDirectory(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"); err != nil {
		program.NotTested(t, "this user cannot mount a file system: "+err.Error())
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|flags, "size=16m"); err != nil {
			t.Fatal(err)
		}
	}
	s := &scenario{t: t, dir: filepath.Join(t.TempDir(), "filters"), upstream: harness.StartUpstream(t)}
	s.cp = harness.NewControlPlane(t, harness.ControlPlaneOptions{Dir: s.dir, StateDir: filepath.Join(disk, "state")})
	s.write(auth, authModule("v1"), "")
	s.cp.Start()
	envoy := s.envoy(proxyOptions{})
	envoy.WaitReady()
	s.cp.WaitLive(auth, authModule("v1"), 1)
	traffic := s.traffic(envoy.web[0])
	traffic.live("v1")
	s.cp.Stop()

	remount(syscall.MS_RDONLY)
	s.cp.Start()
	s.cp.WaitLog("the state directory is on a read-only file system")
	s.cp.WaitLive(auth, authModule("v1"), 1)
	s.cp.Stop()
	remount(0)
	s.cp.Start()
	s.cp.WaitLive(auth, authModule("v1"), 1)
	s.swap(auth, authModule("v2"), "", 1)
	traffic.live("v2")
	traffic.end()
}
