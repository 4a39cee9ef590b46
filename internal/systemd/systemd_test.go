package systemd_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/systemd"
)

// TestMain is also the program that gets listeners.
func TestMain(m *testing.M) {
	if os.Getenv("WASM_XDS_TEST_PASSED") == "" {
		os.Exit(m.Run())
	}
	passed, err := systemd.Listeners("xds", "admin")
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	for _, name := range []string{"xds", "admin"} {
		if l := passed[name]; l != nil {
			fmt.Printf("%s=%s ", name, l.Addr())
		}
	}
	again, _ := systemd.Listeners("xds", "admin")
	fmt.Printf("again=%d\n", len(again))
}

// passTo runs this binary as systemd would, with the listeners under their names.
func passTo(t *testing.T, names string, listeners ...*net.TCPListener) string {
	t.Helper()
	// The shell has the process id of the program that takes its place.
	c := exec.CommandContext(t.Context(), "sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	c.Env = append(os.Environ(), "WASM_XDS_TEST_PASSED=1", "LISTEN_FDS="+strconv.Itoa(len(listeners)), "LISTEN_FDNAMES="+names)
	for _, l := range listeners {
		f, err := l.File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		c.ExtraFiles = append(c.ExtraFiles, f)
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func listen(t *testing.T) *net.TCPListener {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestListeners(t *testing.T) {
	a, b := listen(t), listen(t)
	for _, test := range []struct {
		names     string
		listeners []*net.TCPListener
		want      string
	}{
		{"xds:admin", []*net.TCPListener{a, b}, "xds=" + a.Addr().String() + " admin=" + b.Addr().String() + " again=0"},
		{"admin", []*net.TCPListener{a}, "admin=" + a.Addr().String() + " again=0"},
		{"", nil, "again=0"},
		{"xds:http", []*net.TCPListener{a, b}, `error: a socket is called "http": FileDescriptorName= is one of xds, admin`},
		{"xds:xds", []*net.TCPListener{a, b}, `error: two sockets are called "xds"`},
		{"wasm-xds.socket", []*net.TCPListener{a}, `error: a socket is called "wasm-xds.socket"`},
	} {
		if got := passTo(t, test.names, test.listeners...); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q is not in\n%s", test.names, test.want, got)
		}
	}
}

func TestManager(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "30000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	m, err := systemd.Find()
	if err != nil || !m.Hears() || m.Watchdog() != 30*time.Second {
		t.Fatalf("%+v, %v", m, err)
	}
	for _, test := range []struct {
		send func() error
		want string
	}{
		{func() error { return m.Ready("2 filters\nREADY=0") }, `READY=1\nSTATUS=2 filters READY=0`},
		{m.Reloading, `RELOADING=1\nMONOTONIC_USEC=\d+`},
		{func() error { return m.Alive("one") }, `WATCHDOG=1\nSTATUS=one`},
		{m.Stopping, `STOPPING=1`},
	} {
		if err := test.send(); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, 1024)
		n, err := socket.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(text[:n]); !regexp.MustCompile("^" + test.want + "$").MatchString(got) {
			t.Errorf("got %q, want %s", got, test.want)
		}
	}
}

func TestNoManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	m, err := systemd.Find()
	if err != nil || m.Hears() || m.Watchdog() != 0 {
		t.Errorf("%+v, %v", m, err)
	}
	if err := m.Ready("ready"); err != nil {
		t.Error(err)
	}
}

func TestBadWatchdog(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/nowhere")
	t.Setenv("WATCHDOG_USEC", "soon")
	if _, err := systemd.Find(); err == nil {
		t.Error("no error")
	}
}
