package address

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Permissions decide which users can connect to a Unix socket. A TCP address ignores them.
type Permissions struct {
	// Mode has the permission bits. A client needs the permission to write. 0 means that only the
	// user of this process can connect.
	Mode fs.FileMode
	// Group is the name or the number of the socket's group. "" means the group of this process.
	Group string
}

// ErrLive says another process listens on a Unix socket.
var ErrLive = errors.New("another process listens there")

// ErrNoSocket says the path of a Unix socket belongs to a file of another kind.
var ErrNoSocket = errors.New("a file that is no socket is there")

// Listen opens the address. A Unix socket without a process is replaced. Listen returns
// [ErrLive] or [ErrNoSocket] if the path of a socket is taken. The listener removes its socket when
// it is closed, unless another process has replaced the socket.
func (a Address) Listen(p Permissions) (net.Listener, error) {
	if !a.IsSocket() {
		return net.Listen(a.network, a.text)
	}
	group, err := p.group()
	if err != nil {
		return nil, err
	}
	unlock, err := lockDirectory(filepath.Dir(a.text))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := a.removeStale(); err != nil {
		return nil, err
	}
	return a.bind(p.Mode, group)
}

// bind makes the socket with the mode 0600, and then gives it the group and the mode. See
// docs/RATIONALE.md#how-does-a-unix-socket-get-its-permissions.
func (a Address) bind(mode fs.FileMode, group int) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		// Linux takes the permissions of the new file from the unbound socket (unix_bind in
		// net/unix/af_unix.c). The process's umask is not touched, since other goroutines make
		// files.
		err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) })
		return errors.Join(err, failed)
	}}
	l, err := config.Listen(context.Background(), a.network, a.text)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	made, err := os.Lstat(a.text)
	if err == nil && group >= 0 {
		err = os.Chown(a.text, -1, group)
	}
	if err == nil && mode != 0 {
		err = os.Chmod(a.text, mode.Perm())
	}
	s := &socket{Listener: l, path: a.text, made: made}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// removeStale removes the socket of a process that has ended.
func (a Address) removeStale() error {
	info, err := os.Lstat(a.text)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s: %w", a.text, ErrNoSocket)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c, err := a.Dial(ctx)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("%s: %w", a.text, ErrLive)
	}
	// Only the refusal proves that nobody listens. A full backlog, for example, does not.
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w (%w)", a.text, ErrLive, err)
	}
	return os.Remove(a.text)
}

// group returns the group's number, or -1 for the group of the process.
func (p Permissions) group() (int, error) {
	if p.Group == "" {
		return -1, nil
	}
	if number, err := strconv.ParseUint(p.Group, 10, 31); err == nil {
		return int(number), nil
	}
	g, err := user.LookupGroup(p.Group)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

// lockDirectory keeps other servers from replacing a socket in the directory at the same time. The
// lock leaves no file behind.
func lockDirectory(path string) (unlock func(), err error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX); err != nil {
		_ = d.Close()
		return nil, &fs.PathError{Op: "flock", Path: path, Err: err}
	}
	return func() { _ = d.Close() }, nil // closing ends the lock
}

// socket is the listener of a Unix socket.
type socket struct {
	net.Listener
	path string
	made fs.FileInfo // of the file that this listener made; nil: unknown
	once sync.Once
	err  error
}

// Close closes the listener, and removes the socket if it is still this listener's.
func (s *socket) Close() error {
	s.once.Do(func() {
		if now, err := os.Lstat(s.path); err == nil && s.made != nil && os.SameFile(now, s.made) {
			s.err = os.Remove(s.path)
		}
		s.err = errors.Join(s.err, s.Listener.Close())
	})
	return s.err
}
