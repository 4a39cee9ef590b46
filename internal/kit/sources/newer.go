package sources

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Newer returns the path of a source that has changed after a time, relative to the directory; "":
// none has. except is as for [Read]. Specs, documents and the files of package managers are no
// sources here.
func Newer(dir string, except []string, than time.Time) string {
	tree, _, err := Read(dir, except)
	if err != nil {
		return ""
	}
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		switch filepath.Ext(path) {
		case ".yaml", ".yml", ".md", ".lock", ".json", ".sum", ".mod", ".toml":
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, path)); err == nil && info.ModTime().After(than) {
			return path
		}
	}
	return ""
}
