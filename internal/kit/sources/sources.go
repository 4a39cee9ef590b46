// Package sources watches the sources of a project.
//
// tree.go reads the files, and compares two readings, and follows no links. watch.go waits for
// events, and looks regularly without any event, for network disks.
package sources

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Tree has the fingerprints of a project's files, by path relative to the project.
type Tree map[string]string

const (
	// hashed is the size of the largest file with a hash, in bytes. Larger files have
	// their size and time.
	hashed = 1 << 20
	// mostFiles bounds the work for a directory without a project.
	mostFiles = 20_000
)

// ErrTooMany is the error for a directory with more files than a project.
var ErrTooMany = errors.New("the directory has too many files for a project")

// Read reads the files below a directory, except hidden files, the results of compilers and the
// paths in except. The directories are the second result.
func Read(dir string, except []string) (tree Tree, dirs []string, err error) {
	tree = Tree{}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, failure error) error {
		switch {
		case failure != nil:
			return unlessBelow(path != dir, failure)
		case path != dir && ignored(entry.Name()), slices.Contains(except, path):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			dirs = append(dirs, path)
			return nil
		case len(tree) == mostFiles:
			return ErrTooMany
		}
		if text := fingerprint(path, entry); text != "" {
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			tree[rel] = text
		}
		return nil
	})
	return tree, dirs, err
}

// unlessBelow ignores the failure of a file or directory below the project, which is gone, or
// somebody else's.
func unlessBelow(below bool, failure error) error {
	if below {
		return nil
	}
	return failure
}

// ignored reports whether a file or directory is no source: hidden, a result of a compiler or
// a package manager, or a leftover of an editor.
func ignored(name string) bool {
	switch name {
	case "node_modules", "target", "zig-out", "zig-cache", "__pycache__", "4913": // vim tries out a directory with 4913
		return true
	}
	switch filepath.Ext(name) {
	case ".wasm", ".o", ".swp", ".swx", ".tmp", ".bak", ".orig":
		return true
	}
	return name[0] == '.' || name[0] == '#' || strings.HasSuffix(name, "~")
}

// fingerprint is the content of a file in short; "": no readable regular file.
func fingerprint(path string, entry fs.DirEntry) string {
	info, err := entry.Info()
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	if info.Size() > hashed {
		return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// Changes returns the paths with a difference between two readings, in order.
func (t Tree) Changes(next Tree) []string {
	changed := map[string]bool{}
	for path, before := range t {
		if next[path] != before {
			changed[path] = true
		}
	}
	for path := range next {
		if _, known := t[path]; !known {
			changed[path] = true
		}
	}
	return slices.Sorted(maps.Keys(changed))
}
