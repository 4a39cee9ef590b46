package spec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const docs = "../../docs/spec.md"

// TestDocs loads every YAML block of the reference: those marked "yaml error" must
// fail, and the text block after one is the error; all others must decode.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$").FindAllSubmatchIndex(text, -1)
	loaded, failed := 0, ""
	for _, at := range blocks {
		kind, block := string(text[at[2]:at[3]]), text[at[4]:at[5]]
		line := strings.Count(string(text[:at[0]]), "\n") + 1
		specs, errs, _ := spec.Decode("filters/auth.yaml", block)
		switch kind {
		case "yaml":
			loaded++
			if len(errs) > 0 || len(specs) == 0 {
				t.Errorf("%s:%d: does not decode: %v", docs, line, errs)
			}
		case "yaml error":
			loaded++
			if len(errs) != 1 {
				t.Errorf("%s:%d: not one error: %v", docs, line, errs)
				continue
			}
			failed = errs[0].Error()
		case "text":
			if got := strings.TrimSpace(string(block)); got != failed {
				t.Errorf("%s:%d: says %q, and the error is %q", docs, line, got, failed)
			}
		default:
			t.Errorf("%s:%d: a block of kind %q", docs, line, kind)
		}
	}
	if loaded < 10 {
		t.Errorf("found %d YAML blocks only", loaded)
	}
}

// TestDocsNameEverything shows the reference has every field and every code.
func TestDocsNameEverything(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	_, errs, _ := spec.Decode("a.yaml", []byte("~~~~: 1\nmodule: {~~~~: 1}\nvm: {~~~~: 1}\nnodes: {~~~~: 1}\nrollout: {~~~~: 1}\n"))
	names := codes(t)
	for _, e := range errs {
		if known, ok := strings.CutPrefix(e.Hint, "known here: "); ok {
			names = append(names, strings.Split(known, ", ")...)
		}
	}
	if len(names) < 30 {
		t.Fatalf("found only the names %q", names)
	}
	for _, name := range names {
		if !regexp.MustCompile("`(module\\.|rollout\\.)?" + name + "\\b").Match(text) {
			t.Errorf("%s does not mention %s", docs, name)
		}
	}
}

// codes are the values of the constants in codes.go.
func codes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			value, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, value)
		}
		return true
	})
	return found
}
