package dir

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Bounds returns the bounds of the files that the specs of a directory may name. The directory
// itself is always a root. Without given roots, its parent is one, too, so specs may name
// files beside the directory: ../target/auth.wasm. But the root of the file system is no such
// parent: then the directory is the only root.
func Bounds(dir string, given spec.Bounds) *spec.Bounds {
	b := &spec.Bounds{Roots: given.Roots, Except: given.Except}
	if parent := filepath.Dir(dir); len(given.Roots) == 0 && filepath.Dir(parent) != parent {
		b.Roots = []string{parent}
	}
	b.Roots = append(b.Roots[:len(b.Roots):len(b.Roots)], dir)
	return b
}

// bounded decodes files and sets the bounds of their specs.
func bounded(bounds *spec.Bounds, decode Decode) Decode {
	return func(file string, text []byte) ([]*spec.Spec, []*spec.Error, bool) {
		specs, errs, broken := decode(file, text)
		for _, s := range specs {
			s.Bound(bounds)
		}
		return specs, errs, broken
	}
}

// outside returns an error if a link of the directory leads out of the roots. This file is not
// read, since errors show parts of the text of specs. An author of specs, who can make links, may
// not read all files of this machine.
func outside(by *resolver, bounds *spec.Bounds, real string) *spec.Error {
	for _, root := range bounds.Roots {
		if to := by.resolve(root); to.err == nil {
			if rel, err := filepath.Rel(to.real, real); err == nil && filepath.IsLocal(rel) {
				return nil
			}
		}
	}
	return &spec.Error{
		Code:    CodeOutside,
		Message: fmt.Sprintf("the link leads to %s, which lies outside of %s, and is not read", real, strings.Join(bounds.Shown(), " and ")),
		Hint:    "move it there, or name its directory with --files-root",
	}
}
