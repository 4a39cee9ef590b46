package state

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A directory of an earlier version, which other users could enter, is for this user alone now.
func TestOnlyTheOwnerCanUseTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	must(t, os.Mkdir(dir, 0o755))
	must(t, os.Mkdir(filepath.Join(dir, "modules"), 0o755))
	d := openDir(t, dir)
	wantMode(t, dir, 0o700)
	must(t, d.Save("state", nil))
	must(t, d.Write("record", nil))
	must(t, d.Sync("record"))
	must(t, d.Close())
	for name, mode := range map[string]os.FileMode{"state": 0o644, "record.slot-1": 0o666, "record.synced": 0o640, "lock": 0o644, ".": 0o755} {
		must(t, os.Chmod(filepath.Join(dir, name), mode))
	}
	d = openDir(t, dir)
	for _, name := range []string{"state", "record.slot-1", "record.slot-0", "record.synced", "lock"} {
		wantMode(t, filepath.Join(dir, name), 0o600)
	}
	wantMode(t, dir, 0o700)
	wantMode(t, filepath.Join(dir, "modules"), 0o755)
	tightened := d.Tightened()
	slices.Sort(tightened.Paths)
	// The lock is locked, and so changed, before the other files.
	want := []string{dir, filepath.Join(dir, "lock"), filepath.Join(dir, "record.slot-1"), filepath.Join(dir, "record.synced"), filepath.Join(dir, "state")}
	if !slices.Equal(tightened.Paths, want) || tightened.Err != nil {
		t.Errorf("%+v, want %v", tightened, want)
	}
	must(t, d.Close())
	if got := openDir(t, dir).Tightened(); got.Paths != nil || got.Err != nil {
		t.Errorf("the second time: %+v", got)
	}
}

// Only a directory for the state alone changes: other files may be for other users.
func TestSharedDirectoriesKeepTheirModes(t *testing.T) {
	for name, tt := range map[string]struct {
		mode, want os.FileMode
		file       string
		problem    bool
	}{
		"empty":             {0o777, 0o700, "", false},
		"a file of another": {0o755, 0o755, "envoy.yaml", true},
		"the same, private": {0o700, 0o700, "envoy.yaml", false},
		"as /tmp":           {0o777 | os.ModeSticky, 0o777 | os.ModeSticky, "", true},
		"stricter":          {0o500 | 0o200, 0o700, "", false},
	} {
		dir := t.TempDir()
		if tt.file != "" {
			must(t, os.WriteFile(filepath.Join(dir, tt.file), nil, 0o644))
			must(t, os.WriteFile(filepath.Join(dir, tt.file), []byte("text of another file"), 0o644))
		}
		must(t, os.Chmod(dir, tt.mode))
		d := openDir(t, dir)
		info, err := os.Stat(dir)
		must(t, err)
		if info.Mode()&^os.ModeDir != tt.want || (d.Tightened().Err != nil) != tt.problem {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), d.Tightened().Err)
		}
		if tt.file != "" {
			wantMode(t, filepath.Join(dir, tt.file), 0o644)
		}
	}
}

func TestAGroupMayEnter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	d, err := Open(dir, Options{Group: fmt.Sprint(os.Getgid())})
	must(t, err)
	wantMode(t, dir, 0o710)
	must(t, d.Save("state", nil))
	wantMode(t, d.Path("state"), 0o600)
	must(t, d.Close())
	if _, err := Open(dir, Options{Group: "no such group"}); err == nil {
		t.Error("an unknown group is taken")
	}
	d, err = Open(dir, Options{})
	must(t, err)
	defer d.Close()
	wantMode(t, dir, 0o700)
}
