package depcheck

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/wasm-xds/wasm-xds/test/depcheck/rooms"
)

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		seen[p.Path] = true
		own := ownImports(p.Imports)
		may, listed := imports[p.Path]
		if !listed {
			t.Errorf("%s is not listed: add its row to the table of imports, and to docs/ARCHITECTURE.md", p.Path)
			continue
		}
		for _, imported := range own {
			if !slices.Contains(may, imported) {
				t.Errorf("%s must not import %s", p.Path, imported)
			}
		}
		for _, entry := range may {
			if !slices.Contains(own, entry) {
				t.Errorf("%s does not import %s any more: remove the entry from the table of imports", p.Path, entry)
			}
		}
		for above, external := range forbidden {
			if p.Path != above && !strings.HasPrefix(p.Path, above+"/") {
				continue
			}
			for _, imported := range p.Imports {
				if slices.ContainsFunc(external, func(f string) bool {
					return imported == f || strings.Contains(f, ".") && strings.HasPrefix(imported, f)
				}) {
					t.Errorf("%s must not import %s", p.Path, imported)
				}
			}
		}
	}
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		if !seen[path] {
			t.Errorf("%s does not exist: remove its row from the table of imports", path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(forbidden)) {
		if !seen[path] {
			t.Errorf("%s does not exist: move what it must not import to the package that took its place", path)
		}
	}
}

// ownImports returns the imports of packages of this project, relative to the root module.
func ownImports(all []string) []string {
	var own []string
	for _, imported := range all {
		if path, ok := strings.CutPrefix(imported, rooms.Module+"/"); ok {
			own = append(own, path)
		}
	}
	return own
}

// TestScenariosTestTheBinary expects the scenarios to import no package of the product, so a
// change inside the product cannot change the scenarios.
func TestScenariosTestTheBinary(t *testing.T) {
	for _, p := range packages(t) {
		if p.Path != "test/e2e" && p.Path != "test/proof" && p.Path != "test/envoyfacts" {
			continue
		}
		for _, imported := range ownImports(slices.Concat(p.Imports, p.TestImports)) {
			if !strings.HasPrefix(imported, "internal/test/") && !strings.HasPrefix(imported, "test/") {
				t.Errorf("%s tests the binary: it must not import %s", p.Path, imported)
			}
		}
	}
}

// TestTestsStayOutOfTheProduct expects only tests to import the test helpers.
func TestTestsStayOutOfTheProduct(t *testing.T) {
	for _, p := range packages(t) {
		if forTests(p) {
			continue
		}
		for _, imported := range ownImports(p.Imports) {
			if strings.HasPrefix(imported, "internal/test/") {
				t.Errorf("%s must not import %s outside its tests", p.Path, imported)
			}
		}
	}
}

// forTests reports whether a package is no part of the product.
func forTests(p *rooms.Package) bool {
	return strings.HasPrefix(p.Path, "internal/test/") || strings.HasPrefix(p.Path, "test/")
}

// TestPublicPackages expects every package under pkg/ to be usable from outside: no internal
// imports, and an example that runs.
func TestPublicPackages(t *testing.T) {
	for _, p := range packages(t) {
		if !strings.HasPrefix(p.Path, "pkg/") {
			continue
		}
		for _, imported := range ownImports(p.Imports) {
			if strings.HasPrefix(imported, "internal/") {
				t.Errorf("%s imports %s, which its users cannot", p.Path, imported)
			}
		}
		if !hasExample(t, p) {
			t.Errorf("%s has no example with an output", p.Path)
		}
	}
}

func hasExample(t *testing.T, p *rooms.Package) bool {
	t.Helper()
	var files []*ast.File
	for _, file := range p.XTestGoFiles {
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, parsed)
	}
	return slices.ContainsFunc(doc.Examples(files...), func(e *doc.Example) bool { return e.Output != "" })
}

// TestTheRootModule expects the root module to need no test-only module. `go install` of a
// version must work, so go.mod must not have replace or exclude.
func TestTheRootModule(t *testing.T) {
	var mod struct {
		Require, Replace, Exclude []struct{ Path string }
	}
	if err := json.Unmarshal(goCommand(t, "mod", "edit", "-json"), &mod); err != nil {
		t.Fatal(err)
	}
	if len(mod.Require) == 0 || len(mod.Replace) > 0 || len(mod.Exclude) > 0 {
		t.Errorf("go.mod has %d require, %d replace and %d exclude; want some, none and none",
			len(mod.Require), len(mod.Replace), len(mod.Exclude))
	}
	sums, err := os.ReadFile("../../go.sum")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range testOnly {
		// go.sum covers go.mod's requirements and the imports of their packages.
		if slices.ContainsFunc(mod.Require, func(m struct{ Path string }) bool { return strings.HasPrefix(m.Path, path) }) ||
			strings.Contains("\n"+string(sums), "\n"+path) {
			t.Errorf("the root module needs %s, which is for the tests: import it in test/ only", path)
		}
	}
}

// goCommand returns go's output in the root module.
func goCommand(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, failed.Stderr)
		}
		t.Fatal(err)
	}
	return out
}

// root is the directory of the root module.
const root = "../.."

// loaded are the packages of both modules, measured once for all tests.
var loaded = sync.OnceValues(func() ([]*rooms.Package, error) { return rooms.Load(root) })

func packages(t *testing.T) []*rooms.Package {
	t.Helper()
	all, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
