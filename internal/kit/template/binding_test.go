package template

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "copy the Go binding of the examples into the template")

// The Go template has a copy of the examples' binding, because an embedded file cannot come from
// another module.
func TestGoBindingIsThatOfTheExamples(t *testing.T) {
	const copies = "files/go/base/proxywasm"
	originals, err := filepath.Glob("../../../examples/envoy/src/proxywasm/*.go")
	if err != nil || len(originals) == 0 {
		t.Fatal(originals, err)
	}
	want := map[string]string{}
	for _, file := range originals {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want[filepath.Join(copies, filepath.Base(file)+".tmpl")] = strings.ReplaceAll(string(text), "github.com/wasm-xds/wasm-xds/examples/envoy/src", placeholder)
	}
	if *update {
		if err := os.MkdirAll(copies, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	found, err := filepath.Glob(copies + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		if _, ok := want[file]; ok {
			continue
		}
		if !*update {
			t.Errorf("%s has no original", file)
		} else if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	for file, text := range want {
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != text {
			t.Errorf("%s differs from its original (%v): go test ./internal/kit/template -run TestGoBinding -update copies it", file, err)
		}
	}
}

// The examples in other languages have copies of the templates' bindings.
func TestExamplesHaveTheBindings(t *testing.T) {
	for example, binding := range map[string]string{
		"add_header_cpp/proxywasm.h":                 "cpp/base/proxywasm.h.tmpl",
		"add_header_zig/proxywasm.zig":               "zig/base/proxywasm.zig",
		"hello_assemblyscript/assembly/proxywasm.ts": "assemblyscript/base/assembly/proxywasm.ts",
	} {
		path := filepath.Join("../../../examples", example)
		want, err := os.ReadFile(filepath.Join("files", binding))
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != string(want) {
			t.Errorf("%s differs from %s (%v): go test ./internal/kit/template -run TestExamplesHave -update copies it", example, binding, err)
		}
	}
}
