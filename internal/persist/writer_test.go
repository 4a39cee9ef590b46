package persist

import (
	"io/fs"
	"slices"
	"testing"
)

// recordedDisk notes the order of writes.
type recordedDisk struct{ done []string }

type recordedStore struct{ disk *recordedDisk }

func (s recordedStore) Sync() error { s.disk.done = append(s.disk.done, "modules"); return nil }

func (d *recordedDisk) Sync(n string) error { d.done = append(d.done, "sync "+n); return nil }
func (d *recordedDisk) Write(n string, _ []byte) error {
	d.done = append(d.done, "write "+n)
	return nil
}
func (d *recordedDisk) Save(n string, _ []byte) error { d.done = append(d.done, n); return nil }
func (d *recordedDisk) Load(string) ([]byte, error)   { return nil, fs.ErrNotExist }

// A state must not name modules that a power failure would destroy.
func TestModulesAreOnTheDiskBeforeTheStateThatNamesThem(t *testing.T) {
	disk := &recordedDisk{}
	if err := NewWriter(disk, recordedStore{disk}).State(State{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"modules", "sync " + unsettledFile, stateFile}; !slices.Equal(disk.done, want) {
		t.Errorf("written: %v, want %v", disk.done, want)
	}
}
