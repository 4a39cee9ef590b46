package rooms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Module is the path of the root module.
const Module = "github.com/wasm-xds/wasm-xds"

// listed is a package as `go list` prints it.
type listed struct {
	ImportPath, Dir, Export   string
	DepOnly                   bool
	Imports                   []string
	TestImports, XTestImports []string
	GoFiles, XTestGoFiles     []string
	IgnoredGoFiles            []string
}

// Load measures all packages of both modules of a checkout. The packages must compile.
func Load(root string) ([]*Package, error) {
	modules := []string{root, filepath.Join(root, "test")}
	loaded := make([][]*Package, len(modules))
	var group errgroup.Group
	for i, dir := range modules {
		group.Go(func() error {
			var err error
			loaded[i], err = loadModule(dir)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(loaded...), nil
}

// loadModule type-checks the packages of a module. Imports come from export data, which the go
// command keeps in its cache, so only the module's own source is read.
func loadModule(dir string) ([]*Package, error) {
	all, err := list(dir)
	if err != nil {
		return nil, err
	}
	exports := make(map[string]string, len(all))
	for _, l := range all {
		exports[l.ImportPath] = l.Export
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	var packages []*Package
	for _, l := range all {
		if l.DepOnly {
			continue
		}
		p, err := measure(fset, imports, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.ImportPath, err)
		}
		packages = append(packages, p)
	}
	return packages, nil
}

func list(dir string) ([]listed, error) {
	cmd := exec.Command("go", "list", "-export", "-deps",
		"-json=ImportPath,Dir,Export,DepOnly,Imports,TestImports,XTestImports,GoFiles,XTestGoFiles,IgnoredGoFiles", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w\n%s", dir, err, &stderr)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
}

// measure reads and type-checks one package.
func measure(fset *token.FileSet, imports types.Importer, l listed) (*Package, error) {
	p := &Package{
		Path:         strings.TrimPrefix(l.ImportPath, Module+"/"),
		Dir:          l.Dir,
		Imports:      l.Imports,
		TestImports:  slices.Concat(l.TestImports, l.XTestImports),
		XTestGoFiles: l.XTestGoFiles,
	}
	var files []*ast.File
	for _, name := range l.GoFiles {
		text, err := os.ReadFile(filepath.Join(l.Dir, name))
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), text, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
		p.Files = append(p.Files, File{Name: stem(name), Lines: bytes.Count(text, []byte("\n"))})
	}
	for _, name := range l.IgnoredGoFiles {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(l.Dir, name))
		if err != nil {
			return nil, err
		}
		p.Files = append(p.Files, File{Name: stem(name), Lines: bytes.Count(text, []byte("\n")), OtherPlatform: true})
	}
	slices.SortFunc(p.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	checked, err := (&types.Config{Importer: imports}).Check(l.ImportPath, fset, files, info)
	if err != nil {
		return nil, err
	}
	p.Arrows = arrows(fset, checked, info)
	p.Writes = writes(fset, checked, files, info)
	p.Types = typesOf(checked)
	return p, nil
}
