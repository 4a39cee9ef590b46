package packaging

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// manager has the two sides of systemd that a service sees: open sockets, and a socket for lines
// about the state. TestDebianPackage has the real systemd.
type manager struct {
	t       *testing.T
	sockets map[string]*os.File
	notify  *net.UnixConn
	dir     string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	dir := t.TempDir()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = notify.Close() })
	return &manager{t: t, sockets: map[string]*os.File{}, notify: notify, dir: dir}
}

// listen opens a socket under a name, and returns its address.
func (m *manager) listen(name string) string {
	m.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		m.t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = f.Close() })
	m.sockets[name] = f
	return l.Addr().String()
}

// command is a server that gets the sockets.
func (m *manager) command(args ...string) *exec.Cmd {
	m.t.Helper()
	// The shell has the process id of the program that takes its place.
	c := exec.CommandContext(m.t.Context(), "sh", append([]string{
		"-c", `LISTEN_PID=$$ exec "$0" "$@"`, harness.BuildBinary(m.t),
		"serve", filepath.Join(m.dir, "filters"), "--state-dir", filepath.Join(m.dir, "state"),
	}, args...)...)
	var names []string
	for name, f := range m.sockets {
		names = append(names, name)
		c.ExtraFiles = append(c.ExtraFiles, f)
	}
	c.Env = append(os.Environ(), "NOTIFY_SOCKET="+filepath.Join(m.dir, "notify"), fmt.Sprintf("LISTEN_FDS=%d", len(names)),
		"LISTEN_FDNAMES="+strings.Join(names, ":"))
	c.SysProcAttr = program.DieWithParent()
	return c
}

// start starts a server, and waits until it says that it is ready.
func (m *manager) start(args ...string) (end func()) {
	m.t.Helper()
	c := m.command(args...)
	c.Stderr = m.t.Output()
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.hear("READY=1")
	return func() {
		m.t.Helper()
		_ = c.Process.Signal(syscall.SIGTERM)
		m.hear("STOPPING=1")
		if err := c.Wait(); err != nil {
			m.t.Error(err)
		}
	}
}

// hear waits for a line to the manager.
func (m *manager) hear(want string) {
	m.t.Helper()
	text := make([]byte, 4096)
	for {
		n, err := m.notify.Read(text)
		if err != nil {
			m.t.Fatalf("%s: %v", want, err)
		}
		if strings.Contains(string(text[:n]), want) {
			return
		}
	}
}

// A restart refuses no connection, and a reload is told.
func TestPassedSockets(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	addresses := map[string]string{"xds": m.listen("xds"), "modules": m.listen("modules"), "admin": m.listen("admin")}
	var stops []func() dials
	for _, address := range addresses {
		stops = append(stops, dial(t, "tcp", address))
	}
	for range 3 {
		end := m.start()
		if status, err := get(addresses["admin"], "/readyz"); err != nil || status != http.StatusOK {
			t.Errorf("ready: %d, %v", status, err)
		}
		end()
	}
	for _, stop := range stops {
		stop().mustBeTaken(t, "three restarts")
	}
}

func TestReloadIsTold(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	m.listen("xds")
	m.listen("modules")
	m.listen("admin")
	c := m.command()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	m.hear("READY=1")
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	m.hear("RELOADING=1\nMONOTONIC_USEC=")
	m.hear("READY=1\nSTATUS=filters: 0; live on Envoys: 0 of 0")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}
}

// A server that would ignore an address, or a socket, does not start.
func TestUnsuitableSockets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		socket string
		args   []string
		want   string
	}{
		{"xds", []string{"--xds-address", "127.0.0.1:1"}, "and --xds-address says 127.0.0.1:1"},
		{"http", nil, `a socket is called "http": FileDescriptorName= is one of xds, modules, admin`},
	} {
		m := newManager(t)
		m.listen(test.socket)
		out, err := m.command(test.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.want) || !strings.Contains(string(out), "hint:") {
			t.Errorf("%s %v: %v\n%s", test.socket, test.args, err, out)
		}
	}
}

// A socket beyond this machine is exposed like an address.
func TestPassedAdminSocketIsExposed(t *testing.T) {
	t.Parallel()
	m := newManager(t)
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m.sockets["admin"] = f
	out, err := m.command("--xds-address", "127.0.0.1:0", "--modules-address", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "other machines reach --admin-address") {
		t.Errorf("%v\n%s", err, out)
	}
}
