// Package depcheck holds the layers apart: the model in the middle knows no xDS
// types, and decisions know no I/O. docs/ARCHITECTURE.md has the table.
package depcheck

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/wasm-xds/wasm-xds/"

// allowed are the packages of this module that each package may import. What is
// not listed may import everything.
var allowed = map[string][]string{
	"cmd/wasm-xds":          {"internal/cli"},
	"pkg/spec":              {},
	"pkg/source":            {"pkg/spec"},
	"pkg/source/dir":        {"pkg/spec", "pkg/source"},
	"pkg/source/merge":      {"pkg/spec", "pkg/source"},
	"pkg/source/oci":        {"pkg/spec", "pkg/source", "internal/atomicfile", "internal/bundle", "internal/registry"},
	"pkg/snapshot":          {"pkg/spec"},
	"pkg/translate":         {"pkg/spec", "pkg/snapshot"},
	"internal/module":       {"pkg/spec", "pkg/snapshot", "internal/atomicfile", "internal/layer", "internal/netguard", "internal/registry", "internal/signature"},
	"internal/registry":     {"pkg/spec", "internal/netguard"},
	"internal/layer":        {},
	"internal/netguard":     {},
	"internal/signature":    {},
	"internal/delivery":     {"pkg/spec", "pkg/snapshot"},
	"internal/preflight":    {"pkg/spec"},
	"internal/examine":      {"pkg/spec", "pkg/snapshot", "internal/preflight", "internal/terminal"},
	"internal/wasmenc":      {},
	"internal/builtin":      {"pkg/spec", "pkg/snapshot", "internal/wasmenc"},
	"internal/xds":          {"pkg/spec", "pkg/snapshot", "pkg/translate", "internal/delivery"},
	"internal/moduleserver": {},
	"internal/atomicfile":   {},
	"internal/state":        {"internal/atomicfile"},
	"internal/admin":        {"pkg/spec", "pkg/snapshot"},
	"internal/bootstrap":    {"pkg/spec"},
	"internal/bundle":       {"pkg/spec"},
	"test/testfilter":       {"internal/wasmenc"},
	"test/harness":          {"test/testfilter"},
	"test/registrytest":     {},
	"test/signaturetest":    {"test/registrytest"},
}

// forbidden are imports from outside that a package must not have: the pure ones
// know no clock's goroutines, no I/O and no xDS.
var forbidden = map[string][]string{
	"internal/delivery":  {"os", "net", "net/http", "sync", "context", "google.golang.org", "github.com/envoyproxy"},
	"internal/preflight": {"os", "net", "net/http", "github.com/envoyproxy"},
	"internal/examine":   {"os", "net", "net/http", "github.com/envoyproxy"},
	"pkg/spec":           {"net", "net/http", "os/exec", "google.golang.org", "github.com/envoyproxy"},
	"pkg/snapshot":       {"os", "net", "net/http", "google.golang.org", "github.com/envoyproxy"},
	"pkg/translate":      {"os", "net", "net/http"},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported, module); ok {
				if may, listed := allowed[name]; listed && !slices.Contains(may, own) {
					t.Errorf("%s must not import %s", name, own)
				}
				if strings.HasPrefix(name, "test/e2e") && strings.HasPrefix(own, "internal/") {
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

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "../../...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
