// Package depcheck enforces the layers: the model in the middle imports no xDS types, and pure
// packages do no I/O. docs/ARCHITECTURE.md has the table.
package depcheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/wasm-xds/wasm-xds/"

// allowed lists the packages of this module that each package may import. Unlisted packages may
// import everything.
var allowed = map[string][]string{
	"cmd/wasm-xds":          {"internal/cli"},
	"pkg/spec":              {},
	"pkg/source":            {"pkg/spec"},
	"pkg/source/dir":        {"pkg/spec", "pkg/source"},
	"pkg/source/merge":      {"pkg/spec", "pkg/source", "pkg/source/restart"},
	"pkg/source/restart":    {"pkg/spec", "pkg/source"},
	"pkg/snapshot":          {"pkg/spec"},
	"pkg/translate":         {"pkg/spec", "pkg/snapshot"},
	"internal/module":       {"pkg/spec", "pkg/snapshot", "internal/atomicfile", "internal/certs", "internal/layer", "internal/netguard", "internal/pause", "internal/registry", "internal/signature", "internal/transfer"},
	"internal/registry":     {"pkg/spec", "internal/certs", "internal/netguard", "internal/transfer", "internal/pause"},
	"internal/pause":        {},
	"internal/layer":        {},
	"internal/netguard":     {},
	"internal/transfer":     {},
	"internal/certs":        {},
	"internal/ending":       {},
	"internal/signature":    {},
	"internal/delivery":     {"pkg/spec", "pkg/snapshot"},
	"internal/examine":      {"pkg/spec", "pkg/snapshot", "internal/preflight", "internal/preflight/envoy", "internal/preflight/finding", "internal/preflight/static", "internal/terminal"},
	"internal/checkqueue":   {"pkg/spec", "pkg/snapshot", "internal/examine", "internal/pause"},
	"internal/desired":      {"pkg/spec", "pkg/snapshot", "pkg/source"},
	"internal/findings":     {"internal/examine"},
	"internal/persist":      {"pkg/snapshot", "internal/delivery", "internal/desired", "internal/findings", "internal/state", "internal/tags"},
	"internal/tags":         {"pkg/spec", "pkg/snapshot", "internal/pause"},
	"internal/wasmenc":      {},
	"internal/builtin":      {"pkg/spec", "pkg/snapshot", "internal/wasmenc"},
	"internal/xds":          {"pkg/spec", "pkg/snapshot", "pkg/translate", "internal/delivery", "internal/ending"},
	"internal/moduleserver": {"pkg/snapshot", "internal/pause"},
	"internal/atomicfile":   {},
	"internal/reason":       {},
	"internal/specedit":     {"pkg/spec", "internal/atomicfile"},
	"internal/state":        {"internal/atomicfile"},
	"internal/control":      {"pkg/snapshot", "pkg/source", "pkg/source/merge", "pkg/source/restart", "pkg/spec", "internal/api", "internal/builtin", "internal/checkqueue", "internal/delivery", "internal/desired", "internal/events", "internal/examine", "internal/findings", "internal/module", "internal/pause", "internal/persist", "internal/state", "internal/tags", "internal/transfer"},
	"internal/api":          {"pkg/spec", "pkg/snapshot"},
	"internal/events":       {"internal/api"},
	"internal/metrics":      {"internal/api"},
	"internal/admin":        {"pkg/spec", "internal/api", "internal/events", "internal/ending"},
	"internal/bootstrap":    {"pkg/spec"},
	"internal/getenvoy":     {},
	"internal/visitor":      {},
	"internal/bundle":       {"pkg/spec"},
	"internal/source/oci":   {"pkg/spec", "pkg/source", "internal/atomicfile", "internal/bundle", "internal/registry"},

	"internal/preflight":         {"pkg/spec", "internal/preflight/cause", "internal/preflight/envoy", "internal/preflight/finding", "internal/preflight/static", "internal/preflight/wasmbin"},
	"internal/preflight/envoy":   {},
	"internal/preflight/wasmbin": {"internal/wasmenc"},
	"internal/preflight/finding": {"internal/preflight/envoy"},
	"internal/preflight/cause":   {"internal/preflight/finding"},
	"internal/preflight/static":  {"internal/preflight/cause", "internal/preflight/envoy", "internal/preflight/finding", "internal/preflight/wasmbin"},

	"internal/test/program":       {},
	"internal/test/testfilter":    {"internal/wasmenc"},
	"internal/test/harness":       {"internal/test/program", "internal/test/testfilter"},
	"internal/test/registrytest":  {"internal/test/program"},
	"internal/test/signaturetest": {"internal/test/registrytest"},
}

// testOnly lists modules for tests only. The root module's go.mod must not have them, so
// importers of pkg/ do not get them.
var testOnly = []string{
	"github.com/Shopify/toxiproxy", "github.com/distribution/distribution", "github.com/redis", "github.com/rs/zerolog",
	"github.com/sirupsen/logrus", "go.opentelemetry.io",
}

// forbidden lists external imports that a package must not have: I/O and, except in
// pkg/translate, xDS types. internal/delivery also has no locks and contexts.
var forbidden = map[string][]string{
	"internal/delivery":   {"os", "net", "net/http", "sync", "context", "google.golang.org", "github.com/envoyproxy"},
	"internal/preflight":  {"os", "net", "net/http", "github.com/envoyproxy"},
	"internal/admin":      {"github.com/prometheus", "github.com/envoyproxy"},
	"internal/api":        {"os", "net", "net/http", "sync", "github.com/prometheus", "google.golang.org", "github.com/envoyproxy"},
	"internal/control":    {"net/http", "github.com/prometheus", "github.com/envoyproxy"},
	"internal/examine":    {"os", "net", "net/http", "github.com/envoyproxy"},
	"pkg/spec":            {"net", "net/http", "os/exec", "google.golang.org", "github.com/envoyproxy"},
	"pkg/snapshot":        {"os", "net", "net/http", "google.golang.org", "github.com/envoyproxy"},
	"pkg/translate":       {"os", "net", "net/http"},
	"internal/checkqueue": {"os", "net", "net/http", "sync"},
	"internal/desired":    {"os", "net", "net/http", "sync", "context"},
	"internal/findings":   {"os", "net", "net/http", "sync", "context"},
	"internal/tags":       {"os", "net", "net/http", "sync", "context"},
}

type listed struct {
	ImportPath, Dir string
	Imports         []string
	XTestGoFiles    []string
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported, module); ok {
				if may, listed := allowed[name]; listed && !slices.Contains(may, own) {
					t.Errorf("%s must not import %s", name, own)
				}
				if strings.HasPrefix(name, "test/e2e") && strings.HasPrefix(own, "internal/") && !strings.HasPrefix(own, "internal/test/") {
					t.Errorf("%s tests the binary: it must not import %s", name, own)
				}
			}
			for _, f := range forbidden[name] {
				if imported == f || strings.Contains(f, ".") && strings.HasPrefix(imported, f) {
					t.Errorf("%s must not import %s", name, imported)
				}
			}
		}
	}
}

// TestTestsStayOutOfTheProduct expects only tests to import the test helpers.
func TestTestsStayOutOfTheProduct(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if strings.HasPrefix(name, "internal/test/") || strings.HasPrefix(name, "test/") {
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, module+"internal/test/") {
				t.Errorf("%s must not import %s outside its tests", name, imported)
			}
		}
	}
}

// TestPublicPackages expects every package under pkg/ to be usable from outside: no internal
// imports, and an example that runs.
func TestPublicPackages(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !strings.HasPrefix(name, "pkg/") {
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, module+"internal/") {
				t.Errorf("%s imports %s, which its users cannot", name, imported)
			}
		}
		if !hasExample(t, p) {
			t.Errorf("%s has no example with an output", name)
		}
	}
}

func hasExample(t *testing.T, p listed) bool {
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
	return goCommandIn(t, "../..", args...)
}

func goCommandIn(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
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

// list returns the packages of both modules.
func list(t *testing.T) []listed {
	t.Helper()
	var all []listed
	for _, dir := range []string{"../..", ".."} {
		dec := json.NewDecoder(bytes.NewReader(goCommandIn(t, dir, "list", "-json=ImportPath,Dir,Imports,XTestGoFiles", "./...")))
		for {
			var p listed
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
		}
	}
	return all
}
