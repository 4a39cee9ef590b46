package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/preflight/static"
	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/dir"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// resolved is a spec with the content of its references.
type resolved struct {
	spec     *spec.Spec
	revision *snapshot.Revision
	content  *string // of the file that configFrom names; nil: no configFrom
}

// documents are the specs in paths, sorted by name, and all problems, sorted by position.
type documents struct {
	specs  []*spec.Spec
	errors []*spec.Error
}

// loadPaths reads the specs of files and directories. It reads a directory as serve does.
func loadPaths(ctx context.Context, paths []string) documents {
	var all documents
	for _, path := range paths {
		one := loadPath(ctx, path)
		all.specs = append(all.specs, one.specs...)
		all.errors = append(all.errors, one.errors...)
	}
	all.dropDuplicates()
	all.sortErrors()
	return all
}

func loadPath(ctx context.Context, path string) documents {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return unreadable(path, reason.Of(err), "name a spec file, or a directory of them")
	case info.IsDir():
		return loadDirectory(ctx, path)
	case !info.Mode().IsRegular():
		return unreadable(path, "this is no file and no directory", "name a spec file, or a directory of them")
	}
	file, err := os.Open(path)
	if err != nil {
		return unreadable(path, reason.Of(err), "")
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSpecFile+1))
	if err != nil {
		return unreadable(path, reason.Of(err), "")
	}
	specs, errs, _ := spec.Decode(path, text)
	return documents{specs, errs}
}

// maxSpecFile is larger than the limit of Decode, so that Decode reports the error.
const maxSpecFile = 8 << 20

func unreadable(path, message, hint string) documents {
	return documents{errors: []*spec.Error{{Code: "path_unreadable", Message: message, Hint: hint, Pos: spec.Position{File: path}}}}
}

// loadDirectory takes the first set of serve's source.
func loadDirectory(ctx context.Context, path string) documents {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var first *source.Set
	err := dir.New(dir.Config{Dir: path, Rescan: -1}).Run(ctx, func(s source.Set) {
		if first == nil {
			first = &s
		}
		cancel()
	})
	switch {
	case first == nil:
		return unreadable(path, fmt.Sprint(err), "")
	case first.Unavailable != nil:
		return documents{errors: []*spec.Error{first.Unavailable}}
	}
	return documents{first.Specs, first.Errors}
}

// dropDuplicates drops specs with a name that occurs in two of the paths. Duplicates within a
// path are problems already. A file that is named twice is no duplicate.
func (d *documents) dropDuplicates() {
	slices.SortStableFunc(d.specs, func(a, b *spec.Spec) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	var kept []*spec.Spec
	for _, s := range d.specs {
		last := len(kept) - 1
		switch {
		case last < 0 || kept[last].Name != s.Name:
			kept = append(kept, s)
		case !sameFile(kept[last].File, s.File) || kept[last].Line != s.Line:
			d.errors = append(d.errors, &spec.Error{
				Code: "duplicate_name", Name: s.Name, Pos: spec.Position{File: s.File, Line: s.Line},
				Message: fmt.Sprintf("the name %q is taken already, at %s:%d", s.Name, kept[last].File, kept[last].Line),
				Hint:    "give one of them another name",
			})
		}
	}
	d.specs = kept
}

func sameFile(a, b string) bool {
	left, errLeft := filepath.Abs(a)
	right, errRight := filepath.Abs(b)
	return errLeft == nil && errRight == nil && left == right
}

func (d *documents) sortErrors() {
	slices.SortStableFunc(d.errors, func(a, b *spec.Error) int {
		return cmp.Or(cmp.Compare(a.Pos.File, b.Pos.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
}

// resolve fetches the modules and configurations of d's specs into a store. Failures become
// problems of d.
func (d *documents) resolve(ctx context.Context, store *module.Store, from fetching) ([]resolved, error) {
	resolver, closeIt, err := from.resolver(store)
	if err != nil {
		return nil, err
	}
	defer closeIt()
	var all []resolved
	for _, s := range d.specs {
		bytes, problem := resolver.ResolveSpec(ctx, s)
		if ctx.Err() != nil {
			return nil, errors.New("interrupted")
		}
		config, content, configProblem := configuration(s)
		for _, e := range []*spec.Error{problem, configProblem} {
			if e != nil {
				named := *e
				named.Name = s.Name
				d.errors = append(d.errors, &named)
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
		all = append(all, resolved{s, revision, content})
	}
	d.sortErrors()
	return all, nil
}

// withCapabilities is the spec with a list in place of capabilities: auto.
func withCapabilities(s *spec.Spec, code []byte) *spec.Spec {
	copied := *s
	// A file that is not a module may call nothing; the pre-flight reports the problem.
	info, _ := wasmbin.Parse(code)
	copied.Capabilities = static.Capabilities(info)
	return &copied
}

// configuration is a spec's plugin configuration as the module gets it, and the content of
// configFrom's file; nil: the configuration is in the spec.
func configuration(s *spec.Spec) (config, content *string, problem *spec.Error) {
	if s.ConfigFrom == nil {
		return s.Config, nil, nil
	}
	if content, problem = module.ReadConfig(*s.ConfigFrom); problem != nil {
		return nil, nil, problem
	}
	config, problem = module.Encode(s, *content)
	return config, content, problem
}

// withStore calls do with a temporary store.
func withStore(do func(*module.Store) error) error {
	place, err := os.MkdirTemp("", "wasm-xds-*")
	if err != nil {
		return fmt.Errorf("make a place for the modules: %w", err)
	}
	defer os.RemoveAll(place)
	store, err := module.OpenStore(place)
	if err != nil {
		return err
	}
	return do(store)
}
