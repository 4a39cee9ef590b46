//go:build !linux

package chaos

import (
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// disk is the place of the state directory. Only Linux can make the disk full.
type disk struct{ dir string }

func newDisk(t harness.TB) *disk {
	t.Helper()
	return &disk{dir: t.TempDir()}
}

func (d *disk) how() string { return "NOT DONE: this system has no way" }

func (d *disk) state() string { return filepath.Join(d.dir, "state") }

func (d *disk) fill(int) error { return nil }

func (d *disk) free(int) error { return nil }
