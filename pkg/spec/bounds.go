package spec

import (
	"path/filepath"
	"slices"
)

// Bounds are the places of the files that specs may name.
type Bounds struct {
	// Roots are absolute paths of directories. A file lies in one of them, after all links.
	Roots []string
	// Except are absolute paths of files and directories that no spec may name.
	Except []string
}

// Shown returns the roots for messages: without the roots that lie below another root.
func (b Bounds) Shown() []string {
	var shown []string
	for _, root := range b.Roots {
		if !slices.ContainsFunc(b.Roots, func(other string) bool { return other != root && isBelow(other, root) }) {
			shown = append(shown, root)
		}
	}
	return shown
}

func isBelow(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
