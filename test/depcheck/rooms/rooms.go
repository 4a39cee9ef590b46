// Package rooms measures the order inside packages: which of a package's files uses which.
//
// An arrow goes from one file of a package to another file if the first file uses an object that
// the second file declares: a type, a function, a variable, a constant, a method or a field.
// Tests do not count. The files of an ordered package lie in layers, and every arrow goes to a
// lower layer, so a reader can start at the bottom and never needs a file that comes later.
//
// [Load] type-checks the packages of a checkout (load.go, arrows.go, writes.go). [Propose] finds
// layers, and [Check] compares a package with its layers; both are pure.
package rooms

import "slices"

// Package is one package with its measures.
type Package struct {
	Path         string   // relative to the root module: "internal/xds", "test/chaos"
	Dir          string   // absolute
	Imports      []string // import paths, without the imports of tests
	TestImports  []string // import paths of the tests
	XTestGoFiles []string // names of the files of the package's external tests
	Files        []File   // without tests, sorted by name
	Arrows       Arrows
	Writes       []Write // of fields that another file declares
	Types        []Type  // most methods first
}

// File is a Go file of a package.
type File struct {
	Name  string // without ".go"
	Lines int
	// OtherPlatform is true if this platform does not build the file. The file has no arrows then.
	OtherPlatform bool
}

// Type is a named type with its size.
type Type struct {
	Name    string
	Methods int // declared in the package, not promoted
	Fields  int // of a struct; 0 for other types
}

// Arrows are the arrows of a package, sorted by their files.
type Arrows []Arrow

// Arrow is the use of one file by another file of its package.
type Arrow struct {
	From, To string // names of files, without ".go"
	Uses     []Use  // at least one, in the order of the lines
}

// Use is one place at which a file uses another file.
type Use struct {
	Line   int
	Object string // as a reader would write it: "Machine.Step", "newMachine"
}

// Write is a place at which a file writes a field that another file declares, or takes the field's
// address. The address of an element may be for reading.
type Write struct {
	File  string // without ".go"
	Line  int
	Owner string // the file that declares the field, without ".go"
	Field string
}

// Lines counts the lines of all files.
func (p *Package) Lines() int {
	n := 0
	for _, f := range p.Files {
		n += f.Lines
	}
	return n
}

// names returns the names of the files.
func (p *Package) names() []string {
	names := make([]string, 0, len(p.Files))
	for _, f := range p.Files {
		names = append(names, f.Name)
	}
	return names
}

// MostMethods returns the types with the most methods, at most n.
func (p *Package) MostMethods(n int) []Type {
	return p.Types[:min(n, len(p.Types))]
}

// MostFields returns the types with the most fields, at most n.
func (p *Package) MostFields(n int) []Type {
	types := slices.Clone(p.Types)
	slices.SortStableFunc(types, func(a, b Type) int { return b.Fields - a.Fields })
	return types[:min(n, len(types))]
}
