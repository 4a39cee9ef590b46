package dir

import (
	"path/filepath"
	"strings"
)

// isSpecName reports whether a file with this name contains specs.
func isSpecName(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml":
		return !skipped(name)
	default:
		return false
	}
}

// skipped reports whether a file or directory with this name is ignored. Ignored are hidden names,
// leftovers of editors and copying tools, and directories of build output. The hidden ..data of a
// config map is ignored too, because its files are also visible through links.
func skipped(name string) bool {
	switch name {
	case "node_modules", "target", "lost+found":
		return true
	}
	switch name[0] {
	case '.', '~', '#':
		return true
	}
	switch name[len(name)-1] {
	case '~', '#':
		return true
	}
	switch filepath.Ext(name) {
	case ".bak", ".orig", ".rej", ".swp", ".swx", ".swo", ".tmp", ".temp", ".old", ".save", ".part", ".crdownload":
		return true
	}
	return strings.Contains(name, "___jb_")
}
