package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
)

func openDir(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func wantLoad(t *testing.T, d *Dir, name, want string) {
	t.Helper()
	if got, err := d.Load(name); err != nil || string(got) != want {
		t.Errorf("loaded %.40q, %v; want %.40q", got, err, want)
	}
}

func TestWriteAndLoad(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	if _, err := d.Load("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first write: %v", err)
	}
	for _, content := range []string{"one", strings.Repeat("long ", 1000), "", "short"} {
		if err := d.Write("x", []byte(content)); err != nil {
			t.Fatal(err)
		}
		wantLoad(t, d, "x", content)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write("x", nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a write into a closed directory: %v", err)
	}
	d = openDir(t, path)
	wantLoad(t, d, "x", "short")
	// Another process continues with this state.
	if err := d.Write("x", []byte("five")); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, d, "x", "five")
}

// A write interrupted by a crash leaves the previous content.
func TestWriteThatIsCutShort(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	for _, content := range []string{"first content", "second content"} {
		if err := d.Write("x", []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	newest := d.Path(slotName("x", 0)) // the slot of the second content
	whole, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		torn := append(bytes.Clone(whole[:n]), bytes.Repeat([]byte("x"), len(whole)-n)...)
		if err := os.WriteFile(newest, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		wantLoad(t, d, "x", "first content")
	}
	if err := os.WriteFile(newest, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	wantLoad(t, d, "x", "second content")
}

// After a power failure the slots may be very old or damaged.
func TestSyncedOutlivesTheSlots(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	if err := d.Sync("x"); err != nil {
		t.Errorf("nothing to sync: %v", err)
	}
	for i := range 3 {
		if err := d.Write("x", fmt.Append(nil, "content ", i)); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			if err := d.Sync("x"); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantLoad(t, d, "x", "content 2")
	for i := range 2 {
		if err := os.WriteFile(d.Path(slotName("x", i)), []byte("torn"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantLoad(t, d, "x", "content 1")
	if err := os.Remove(d.Path("x" + syncedName)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Load("x"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("nothing is whole: %v", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	d, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	data := make([]byte, 1500)
	for b.Loop() {
		if err := d.Write("x", data); err != nil {
			b.Fatal(err)
		}
	}
}
