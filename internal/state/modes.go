package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The modes of the directory. With a group, the members may enter the directory, but not list the
// files.
const (
	dirMode      fs.FileMode = 0o700
	dirModeGroup fs.FileMode = 0o710
)

// specialBits are kept when a mode changes: an operator may have set them, for example for the
// group of new files.
const specialBits = fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// makeDir creates the directory for the user of this process only, independent of the umask.
func makeDir(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(path, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Tightened says how the permissions of an existing directory were changed.
type Tightened struct {
	// Paths had looser permissions before.
	Paths []string
	// Err says why a path keeps looser permissions, for example because another user owns it.
	Err error
}

// tighten gives the directory and the files of servers their modes. group is a number; -1: none. A
// directory with other files, or with the sticky bit as /tmp, keeps the mode: the directory is not
// for this server alone.
func tighten(dir string, group int) Tightened {
	var t Tightened
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Err = err
		return t
	}
	foreign := ""
	for _, e := range entries {
		switch {
		case !isOwn(dir, e):
			foreign = e.Name()
		case e.Type().IsRegular():
			t.chmod(filepath.Join(dir, e.Name()), fileMode)
		}
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Err = errors.Join(t.Err, err)
		return t
	}
	mode := dirMode
	if group >= 0 {
		mode = dirModeGroup
	}
	isLoose := info.Mode().Perm()&^mode != 0
	switch {
	case foreign != "" && isLoose:
		t.Err = errors.Join(t.Err, fmt.Errorf("it has other files, too: %s", foreign))
	case info.Mode()&fs.ModeSticky != 0 && isLoose:
		t.Err = errors.Join(t.Err, errors.New("it is a directory for the files of several users"))
	case group >= 0:
		t.Err = errors.Join(t.Err, os.Chown(dir, -1, group))
		t.chmod(dir, mode)
	default:
		t.chmod(dir, mode)
	}
	return t
}

// others are the names of other packages' directories and files in a state directory. lost+found is
// the file system's.
var others = []string{"modules", "bundles", "signatures", "lost+found"}

// isOwn says whether an entry of a state directory is a server's.
func isOwn(dir string, e fs.DirEntry) bool {
	name := e.Name()
	if name == lockName || slices.Contains(others, name) || strings.Contains(name, corruptInfix) {
		return true
	}
	if !e.Type().IsRegular() {
		return false
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, len(family))
	n, err := io.ReadFull(f, start)
	return err == nil && string(start) == family || n == 0 // before its first write a slot is empty
}

// chmod sets a mode, unless the path has the mode. A path with fewer permissions keeps them, except
// for the directory's group.
func (t *Tightened) chmod(path string, mode fs.FileMode) {
	info, err := os.Lstat(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Err = errors.Join(t.Err, err)
		}
		return
	}
	loose := info.Mode().Perm()&^mode != 0
	if !loose && (mode != dirModeGroup || info.Mode().Perm() == mode) {
		return
	}
	if err := os.Chmod(path, info.Mode()&specialBits|mode); err != nil {
		t.Err = errors.Join(t.Err, err)
		return
	}
	if loose {
		t.Paths = append(t.Paths, path)
	}
}

// groupOf returns the number of a group, given by name or number; -1 for "".
func groupOf(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	if number, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(number), nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}
