// Package load reads the specs of files, directories and bundles for commands without a server, and
// resolves them.
//
// documents.go reads files and directories ([Paths]) and resolves the specs ([Documents.Resolve]),
// and sources.go reads bundles, too ([Sources]). Problems of specs are data, not errors: a command
// goes on with the other specs, and prints the problems at the end.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/dir"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Documents are the specs in paths, sorted by name, and all problems, sorted by position.
type Documents struct {
	Specs  []*spec.Spec
	Errors []*spec.Error
}

// Paths reads the specs of files and directories. It reads a directory as serve does. roots are the
// directories of the files that specs may name; nil means the default of serve. For a spec file,
// this is the default of the directory with the file.
func Paths(ctx context.Context, paths, roots []string) Documents {
	var all Documents
	for _, path := range paths {
		one := loadPath(ctx, path, spec.Bounds{Roots: roots})
		all.Specs = append(all.Specs, one.Specs...)
		all.Errors = append(all.Errors, one.Errors...)
	}
	all.dropDuplicates()
	all.SortErrors()
	return all
}

func loadPath(ctx context.Context, path string, given spec.Bounds) Documents {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return unreadable(path, reason.Of(err), "name a spec file, or a directory of them")
	case info.IsDir():
		return loadDirectory(ctx, dir.Config{Dir: path, Bounds: given})
	case !info.Mode().IsRegular():
		return unreadable(path, "this is no file and no directory", "name a spec file, or a directory of them")
	}
	text, err := regular.Read(path, maxSpecFile)
	if err != nil {
		return unreadable(path, reason.Of(err), "")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return unreadable(path, reason.Of(err), "")
	}
	specs, errs, _ := spec.Decode(path, text)
	bounds := dir.Bounds(filepath.Dir(abs), given)
	for _, s := range specs {
		s.Bound(bounds)
	}
	return Documents{specs, errs}
}

// maxSpecFile is larger than the limit of Decode, so Decode reports the error.
const maxSpecFile = 8 << 20

func unreadable(path, message, hint string) Documents {
	return Documents{Errors: []*spec.Error{{Code: "path_unreadable", Message: message, Hint: hint, Pos: spec.Position{File: path}}}}
}

// Project reads the specs of a directory that also has sources: decode leaves out the YAML files of
// other programs.
func Project(ctx context.Context, path string, decode dir.Decode) Documents {
	d := loadDirectory(ctx, dir.Config{Dir: path, Decode: decode})
	d.SortErrors()
	return d
}

// loadDirectory takes the first set of serve's source.
func loadDirectory(ctx context.Context, cfg dir.Config) Documents {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var first *source.Set
	cfg.Rescan = -1
	err := dir.New(cfg).Run(ctx, func(s source.Set) {
		if first == nil {
			first = &s
		}
		cancel()
	})
	switch {
	case first == nil:
		return unreadable(cfg.Dir, fmt.Sprint(err), "")
	case first.Unavailable != nil:
		return Documents{Errors: []*spec.Error{first.Unavailable}}
	}
	return Documents{first.Specs, first.Errors}
}

// dropDuplicates drops specs with a name that occurs in two of the paths. Duplicates within a
// path are problems already. A file that is named twice is no duplicate.
func (d *Documents) dropDuplicates() {
	slices.SortStableFunc(d.Specs, func(a, b *spec.Spec) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	var kept []*spec.Spec
	for _, s := range d.Specs {
		last := len(kept) - 1
		switch {
		case last < 0 || kept[last].Name != s.Name:
			kept = append(kept, s)
		case !sameFile(kept[last].File, s.File) || kept[last].Line != s.Line:
			d.Errors = append(d.Errors, &spec.Error{
				Code: "duplicate_name", Name: s.Name, Pos: spec.Position{File: s.File, Line: s.Line},
				Message: fmt.Sprintf("the name %q is taken already, at %s:%d", s.Name, kept[last].File, kept[last].Line),
				Hint:    "give one of them another name",
			})
		}
	}
	d.Specs = kept
}

func sameFile(a, b string) bool {
	left, errLeft := filepath.Abs(a)
	right, errRight := filepath.Abs(b)
	return errLeft == nil && errRight == nil && left == right
}

// SortErrors sorts the problems by position.
func (d *Documents) SortErrors() {
	slices.SortStableFunc(d.Errors, func(a, b *spec.Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}

// Resolve fetches the modules and configurations of d's specs into a store. Failures become
// problems of d.
func (d *Documents) Resolve(ctx context.Context, store *module.Store, from fetch.Flags) ([]Resolved, error) {
	resolver, closeIt, err := from.Resolver(store)
	if err != nil {
		return nil, err
	}
	defer closeIt()
	var all []Resolved
	for _, s := range d.Specs {
		bytes, problem := resolver.ResolveSpec(ctx, s)
		if ctx.Err() != nil {
			return nil, errors.New("interrupted")
		}
		config, content, configProblem := configuration(s)
		for _, e := range []*spec.Error{problem, configProblem} {
			if e != nil {
				named := *e
				named.Name = s.Name
				d.Errors = append(d.Errors, &named)
			}
		}
		if problem != nil || configProblem != nil {
			continue
		}
		s = module.Complete(s, bytes)
		revision := snapshot.FromSpec(s, bytes, config)
		if s.AutoCapabilities {
			code, err := store.Read(bytes.SHA256)
			if err != nil {
				return nil, err
			}
			revision = snapshot.FromSpec(withCapabilities(s, code), bytes, config)
		}
		all = append(all, Resolved{s, revision, content})
	}
	d.SortErrors()
	return all, nil
}
