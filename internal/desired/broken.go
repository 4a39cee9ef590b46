package desired

import (
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// hiddenBy returns the error that hides a file's documents; nil: the documents are known.
func hiddenBy(set *source.Set, file string) *spec.Error {
	for _, broken := range set.BrokenFiles {
		// An unreadable directory stands for everything below.
		if broken != file && !strings.HasPrefix(file, broken+string(filepath.Separator)) {
			continue
		}
		for _, e := range set.Errors {
			if e.Pos.File == broken {
				return e
			}
		}
		return &spec.Error{Code: "unreadable", Message: "it cannot be read", Pos: spec.Position{File: broken}}
	}
	for _, e := range set.Errors {
		if e.Pos.File == file && e.Name == "" {
			return e
		}
	}
	return nil
}
