package chaos

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// diskSize is enough for the state and the modules of a run, and quick to fill.
const diskSize = "size=96m"

// disk is the place of the state directory, and can be full. Root gets a small file system of its
// own. For other users, a limit keeps the server from making any file larger, which also is an
// error for the server.
type disk struct {
	dir     string
	mounted bool
}

func newDisk(t harness.TB) *disk {
	t.Helper()
	d := &disk{dir: t.TempDir()}
	if os.Geteuid() != 0 {
		return d
	}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, diskSize); err != nil {
		t.Logf("no file system of its own for the state (%v): a limit of file sizes stands in for a full disk", err)
		return d
	}
	d.mounted = true
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", d.dir, err)
		}
	})
	return d
}

// how describes the way in which the disk gets full.
func (d *disk) how() string {
	if d.mounted {
		return "a small tmpfs, filled"
	}
	return "RLIMIT_FSIZE of the server"
}

func (d *disk) state() string { return filepath.Join(d.dir, "state") }

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill uses the whole free space.
func (d *disk) fill(pid int) error {
	if !d.mounted {
		return limitFiles(pid, 1)
	}
	file, err := os.Create(d.ballast())
	if err != nil {
		return err
	}
	defer file.Close()
	for size := 1 << 20; size > 0; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				return err
			}
			size /= 2
		}
	}
	return nil
}

// free undoes fill. The server may be gone.
func (d *disk) free(pid int) error {
	if !d.mounted {
		err := limitFiles(pid, unix.RLIM_INFINITY)
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		return err
	}
	if err := os.Remove(d.ballast()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// limitFiles sets only the soft limit, so it can be lifted again.
func limitFiles(pid int, bytes uint64) error {
	var old unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, nil, &old); err != nil {
		return err
	}
	limit := unix.Rlimit{Cur: min(bytes, old.Max), Max: old.Max}
	return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil)
}
