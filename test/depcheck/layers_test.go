package depcheck

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/test/depcheck/rooms"
)

// The limits of a package that a reader can keep in mind.
const (
	linesWithoutLayers = 600 // of a package; a larger package needs layers
	linesOfFile        = 400
	methodsOfType      = 35
)

// TestLayers expects every large package to have layers, and its files to use only files of lower
// layers.
func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[p.Path] = true
		listed, ok := Layers[p.Path]
		switch {
		case !ok && p.Lines() > linesWithoutLayers:
			t.Errorf("%s has %d lines: add its layers to layers.go. Its best order is:\n%s",
				p.Path, p.Lines(), rooms.Propose(p))
		case ok && listed.Unordered == "":
			for _, problem := range rooms.Check(p, rooms.ParseLayers(listed.Layers)) {
				t.Error(problem)
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(Layers)) {
		if !seen[path] {
			t.Errorf("%s does not exist: remove it from layers.go", path)
		}
	}
}

// TestNoCycles expects no files of any package to use each other, directly or through other files.
// So the smaller packages, which need no layers in layers.go, have an order, too.
func TestNoCycles(t *testing.T) {
	for _, p := range packages(t) {
		if Layers[p.Path].Unordered != "" {
			continue
		}
		for _, cycle := range rooms.Cycles(p) {
			t.Errorf("%s: these files use each other: %s; `go run -C test ./depcheck/cmd/rooms %s` prints the uses",
				p.Path, strings.Join(cycle, " "), p.Path)
		}
	}
}

// TestSizes expects files and types of a size that a reader can keep in mind.
func TestSizes(t *testing.T) {
	for _, p := range packages(t) {
		if Layers[p.Path].Unordered != "" {
			continue
		}
		for _, f := range p.Files {
			if f.Lines > linesOfFile {
				t.Errorf("%s/%s.go has %d lines, more than %d: split it by topic", p.Path, f.Name, f.Lines, linesOfFile)
			}
		}
		for _, typ := range p.Types {
			if typ.Methods > methodsOfType {
				t.Errorf("%s.%s has %d methods, more than %d: give fields and their methods to a type of their own",
					p.Path, typ.Name, typ.Methods, methodsOfType)
			}
		}
	}
}
