package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// sockets are the paths of a control plane's ports.
type sockets struct{ xds, modules string }

// serveOnSockets starts the control plane of a scenario on Unix sockets in a new directory.
func (s *scenario) serveOnSockets(mode string) sockets {
	s.t.Helper()
	dir := s.t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { // other users can reach dir then
		s.t.Fatal(err)
	}
	at := sockets{"unix://" + filepath.Join(dir, "xds.sock"), "unix://" + filepath.Join(dir, "modules.sock")}
	s.cp.SetArgs("--xds-address", at.xds, "--modules-address", at.modules, "--socket-mode", mode)
	s.cp.Start()
	return at
}

// bootstrapFor returns what `wasm-xds bootstrap` writes, and the address of the HTTP listener.
func (s *scenario) bootstrapFor(at sockets) (yaml, web string) {
	s.t.Helper()
	web = harness.Loopback(harness.FreePort(s.t))
	out, err := exec.CommandContext(s.t.Context(), harness.BuildBinary(s.t), "bootstrap", s.dir, "--xds-address", at.xds,
		"--modules-address", at.modules, "--listen-address", web, "--upstream-address", s.upstream.Address()).Output()
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return string(out), web
}

// waitReports waits until an Envoy reports its stats.
func (s *scenario) waitReports() {
	s.t.Helper()
	if !harness.Poll(s.t.Context(), func() bool { return s.metric(`wasm_xds_reporting_envoys{state="reporting"}`) > 0 }) {
		s.t.Error("no Envoy reports its stats")
	}
}

// An Envoy reaches the control plane and the modules through Unix sockets. The server is killed,
// and the next server takes the sockets over. No request is lost.
func TestUnixSockets(t *testing.T) {
	for _, version := range []string{"1.40.0", "1.36.4"} {
		t.Run(version, func(t *testing.T) {
			s := newScenario(t)
			s.write(auth, authModule("v1"), "")
			at := s.serveOnSockets("0600")
			yaml, web := s.bootstrapFor(at)
			envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Version: version, Bootstrap: yaml})
			envoy.WaitReady()
			s.cp.WaitLive(auth, authModule("v1"), 1)
			traffic := s.traffic(web)
			traffic.live("v1")

			s.swap(auth, authModule("v2"), "delivery: remote", 1)
			traffic.live("v2")
			s.cp.Restart()
			s.cp.WaitLive(auth, authModule("v2"), 1)
			s.swap(auth, authModule("v3"), "delivery: remote", 1)
			traffic.live("v3")
			traffic.end()
			// Since the restart, every push was remote code: no GET seemed to fail.
			if n := s.metric(`wasm_xds_push_bytes_total{variant="inline"}`); n > 0 {
				t.Errorf("%v bytes of modules were pushed inline", n)
			}
			if status := s.cp.Status(); status[0].Subscribers[0].Address != "unix" {
				t.Errorf("the Envoy's address is %q", status[0].Subscribers[0].Address)
			}
			s.waitReports()

			s.cp.Stop()
			for _, socket := range []string{at.xds, at.modules} {
				if _, err := os.Lstat(strings.TrimPrefix(socket, "unix://")); !os.IsNotExist(err) {
					t.Errorf("after the end, %s: %v", socket, err)
				}
			}
		})
	}
}

// An Envoy of another user gets nothing through sockets with the mode 0600. Once the mode lets
// everybody connect, the same Envoy gets the filter.
func TestUnixSocketsKeepOtherUsersOut(t *testing.T) {
	if os.Getuid() != 0 {
		program.NotTested(t, "only root can run Envoy as another user")
	}
	const nobody = 65534
	s := newScenario(t)
	s.write(auth, authModule("v1"), "")
	at := s.serveOnSockets("0600")
	yaml, web := s.bootstrapFor(at)
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: yaml, User: nobody})
	envoy.WaitStat("cluster.wasm_xds.upstream_cx_connect_fail", 2)
	if status := s.cp.Status(); len(status) != 1 || len(status[0].Subscribers) != 0 {
		t.Errorf("%+v", status)
	}
	for _, socket := range []string{at.xds, at.modules} {
		if err := os.Chmod(strings.TrimPrefix(socket, "unix://"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	envoy.WaitReady()
	s.cp.WaitLive(auth, authModule("v1"), 1)
	traffic := s.traffic(web)
	traffic.live("v1")
	traffic.end()
}

// The API answers on a socket. A second server does not take a live socket, and a command that may
// not connect says so.
func TestAdminSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	admin := "unix://" + filepath.Join(dir, "admin.sock")
	binary := harness.BuildBinary(t)
	serve := func(state string) *exec.Cmd {
		cmd := exec.Command(binary, "serve", dir, "--state-dir", filepath.Join(dir, state), "--admin-address", admin,
			"--xds-address", "unix://"+filepath.Join(dir, state+".xds"), "--modules-address", "unix://"+filepath.Join(dir, state+".modules"))
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	first := serve("a")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = first.Process.Signal(syscall.SIGTERM)
		if err := first.Wait(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(filepath.Join(dir, "admin.sock")); !os.IsNotExist(err) {
			t.Errorf("after the end, the socket is still there: %v", err)
		}
	})
	harness.WriteFilter(t, dir, auth, authModule("v1"), "")
	status := func() (string, error) {
		out, err := exec.CommandContext(t.Context(), binary, "status", "--admin-address", admin).CombinedOutput()
		return string(out), err
	}
	ready := harness.Poll(t.Context(), func() bool {
		out, err := status()
		return err == nil && strings.Contains(out, auth)
	})
	if !ready {
		out, err := status()
		t.Fatalf("%v\n%s", err, out)
	}
	second := serve("b")
	timer := time.AfterFunc(time.Minute, func() { _ = second.Process.Kill() })
	defer timer.Stop()
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "another process listens there") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := status(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
