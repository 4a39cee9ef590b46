package dir

import (
	"path/filepath"
	"strings"
)

// isSpecName says whether a file of this name holds specs.
func isSpecName(name string) bool {
	switch filepath.Ext(name) {
	case ".yaml", ".yml":
		return !skipped(name)
	default:
		return false
	}
}

// skipped says whether a file or directory of this name is passed over: what
// is hidden (a mounted config map's ..data too: its files are seen through the
// visible links), what editors and copying tools leave behind, and directories
// of build output.
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
