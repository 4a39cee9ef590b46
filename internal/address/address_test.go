package address_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParse(t *testing.T) {
	for text, want := range map[string]string{ // text: the error, or "" if the address is valid
		"127.0.0.1:18000":                     "",
		"localhost:0":                         "",
		"[::1]:65535":                         "",
		"unix:///run/wasm-xds/xds.sock":       "",
		"unix:///" + strings.Repeat("a", 106): "",
		"":                                    "neither host:port nor unix:///",
		"18000":                               "neither host:port nor unix:///",
		":18000":                              "the host is missing",
		"127.0.0.1:65536":                     `the port "65536" is no number`,
		"127.0.0.1:http":                      `the port "http" is no number`,
		"unix:/run/xds.sock":                  "a socket is unix:// and an absolute path",
		"unix:xds.sock":                       "a socket is unix:// and an absolute path",
		"unix://run/xds.sock":                 "the path is not absolute",
		"unix://":                             "the path is not absolute",
		"unix:///":                            "the path is not plain",
		"unix:///run/../xds.sock":             `the path is not plain: "/xds.sock" is`,
		"unix:///run/xds.sock/":               `the path is not plain: "/run/xds.sock" is`,
		"unix:///run/\x00xds.sock":            "the path is not plain",
		"unix:///" + strings.Repeat("a", 107): "the path has 108 bytes",
		"/run/wasm-xds/xds.sock":              "neither host:port nor unix:///",
		"http://127.0.0.1:18000":              "neither host:port nor unix:///",
	} {
		a, err := address.Parse(text)
		switch {
		case want == "" && (err != nil || a.String() != text):
			t.Errorf("%q: %q, %v", text, a, err)
		case want == "" && a.IsSocket() != strings.HasPrefix(text, "unix:"):
			t.Errorf("%q: socket %v", text, a.IsSocket())
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}

func TestHost(t *testing.T) {
	for client, want := range map[string]string{
		"10.0.0.1:5": "10.0.0.1", "[::1]:5": "::1", "unix": "unix", "10.0.0.1": "10.0.0.1", "": "",
	} {
		if got := address.Host(client); got != want {
			t.Errorf("%q: %q, want %q", client, got, want)
		}
	}
}

func TestSocketHasItsPermissions(t *testing.T) {
	for _, mode := range []fs.FileMode{0, 0o600, 0o660, 0o666} {
		a := socketIn(t, t.TempDir())
		l := listen(t, a, address.Permissions{Mode: mode, Group: fmt.Sprint(os.Getgid())})
		info, err := os.Lstat(a.Path())
		if err != nil {
			t.Fatal(err)
		}
		want := mode
		if mode == 0 {
			want = 0o600
		}
		if info.Mode() != fs.ModeSocket|want {
			t.Errorf("mode %v, want %v", info.Mode(), want)
		}
		connect(t, a, l)
	}
}

func TestUnknownGroup(t *testing.T) {
	a := socketIn(t, t.TempDir())
	if _, err := a.Listen(address.Permissions{Group: "no such group"}); err == nil {
		t.Error("an unknown group is taken")
	}
	if _, err := os.Lstat(a.Path()); err == nil {
		t.Error("a socket is there all the same")
	}
}

func TestSocketIsRemovedAtItsEnd(t *testing.T) {
	a := socketIn(t, t.TempDir())
	l := listen(t, a, address.Permissions{})
	for range 2 { // closing twice is allowed
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Lstat(a.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestSocketOfAnotherIsKeptAtTheEnd(t *testing.T) {
	a := socketIn(t, t.TempDir())
	first := listen(t, a, address.Permissions{})
	if err := os.Rename(a.Path(), a.Path()+".old"); err != nil {
		t.Fatal(err)
	}
	second := listen(t, a, address.Permissions{})
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	connect(t, a, second)
}

// A process that was killed leaves its socket behind.
func TestStaleSocketIsReplaced(t *testing.T) {
	a := socketIn(t, t.TempDir())
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: a.Path()}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Close(fd); err != nil {
		t.Fatal(err)
	}
	connect(t, a, listen(t, a, address.Permissions{}))
}

func TestLiveSocketIsRefused(t *testing.T) {
	a := socketIn(t, t.TempDir())
	first := listen(t, a, address.Permissions{})
	if _, err := a.Listen(address.Permissions{}); !errors.Is(err, address.ErrLive) {
		t.Errorf("error %v", err)
	}
	connect(t, a, first)
}

func TestFileThatIsNoSocketIsKept(t *testing.T) {
	dir := t.TempDir()
	a := socketIn(t, dir)
	for _, place := range []func() error{
		func() error { return os.WriteFile(a.Path(), []byte("mine"), 0o600) },
		func() error { return os.Mkdir(a.Path(), 0o700) },
		func() error { return os.Symlink(filepath.Join(dir, "elsewhere"), a.Path()) },
	} {
		if err := place(); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Listen(address.Permissions{}); !errors.Is(err, address.ErrNoSocket) {
			t.Errorf("error %v", err)
		}
		if err := os.Remove(a.Path()); err != nil {
			t.Errorf("the file is gone: %v", err)
		}
	}
}

func TestMissingDirectory(t *testing.T) {
	a := socketIn(t, filepath.Join(t.TempDir(), "missing"))
	if _, err := a.Listen(address.Permissions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// Of servers that start at the same time over one stale socket, exactly one gets it.
func TestOneServerReplacesAStaleSocket(t *testing.T) {
	for range 20 {
		a := socketIn(t, t.TempDir())
		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: a.Path(), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		stale.SetUnlinkOnClose(false)
		if err := stale.Close(); err != nil {
			t.Fatal(err)
		}
		var got sync.Map
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				l, err := a.Listen(address.Permissions{})
				if err != nil && !errors.Is(err, address.ErrLive) {
					t.Error(err)
				}
				if err == nil {
					got.Store(i, l)
				}
			})
		}
		all.Wait()
		winners := 0
		got.Range(func(_, l any) bool {
			winners++
			connect(t, a, l.(net.Listener))
			return l.(net.Listener).Close() == nil
		})
		if winners != 1 {
			t.Errorf("%d servers listen", winners)
		}
	}
}

// Another user cannot connect to a socket with the mode 0600.
func TestAnotherUserIsKeptOut(t *testing.T) {
	if os.Getuid() != 0 {
		program.NotTested(t, "only root can act as another user")
	}
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil { // other users can reach dir then
		t.Fatal(err)
	}
	for mode, want := range map[fs.FileMode]error{0o600: syscall.EACCES, 0o660: syscall.EACCES, 0o666: nil} {
		a := socketIn(t, dir)
		l := listen(t, a, address.Permissions{Mode: mode})
		if err := connectAsNobody(a.Path()); !errors.Is(err, want) {
			t.Errorf("mode %v: %v, want %v", mode, err, want)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// connectAsNobody connects from a thread with the user nobody.
func connectAsNobody(path string) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // without an unlock, the thread ends with this goroutine
		const nobody = 65534
		for _, call := range []uintptr{syscall.SYS_SETFSGID, syscall.SYS_SETFSUID} {
			_, _, _ = syscall.RawSyscall(call, nobody, 0, 0) // returns no error
		}
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err == nil {
			err = errors.Join(syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}), syscall.Close(fd))
		}
		done <- err
	}()
	return <-done
}

func socketIn(t *testing.T, dir string) address.Address {
	t.Helper()
	a, err := address.Parse("unix://" + filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func listen(t *testing.T, a address.Address, p address.Permissions) net.Listener {
	t.Helper()
	l, err := a.Listen(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// connect fails the test if no connection reaches l.
func connect(t *testing.T, a address.Address, l net.Listener) {
	t.Helper()
	c, err := a.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if got := address.Of(l); got != a {
		t.Errorf("the address is %q, want %q", got, a)
	}
	if got := address.Client(server.RemoteAddr()); got != "unix" {
		t.Errorf("the client is %q", got)
	}
}
