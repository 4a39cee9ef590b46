package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// wayPage is the walk of a spec from its file to Envoy.
const wayPage = "docs/a-spec-s-way.md"

var (
	// wayStep is a row of a table: the number, the function with a link to its file, and the rest.
	wayStep = regexp.MustCompile("(?m)^\\| *(\\d+) *\\| \\[`([\\w.]+)`\\]\\(([^)]+\\.go)\\) \\| [^|]+ \\| [^|]+ \\|$")
	wayRow  = regexp.MustCompile(`(?m)^\| *\d+ *\|.*$`)
)

// TestASpecsWay expects each step of the walk to name a function of the file that the step links
// to, and no function to have two steps. The test fails when a function is renamed or moved.
// See docs/RATIONALE.md#why-is-a-walk-of-one-spec-a-page-with-a-test.
func TestASpecsWay(t *testing.T) {
	text := read(t, filepath.Join(root, filepath.FromSlash(wayPage)))
	steps := wayStep.FindAllStringSubmatch(text, -1)
	if rows := wayRow.FindAllString(text, -1); len(steps) != len(rows) || len(steps) < 20 {
		t.Fatalf("%s has %d rows, of which %d are steps of the form | n | [`package.Function`](file) | takes | gives |", wayPage, len(rows), len(steps))
	}
	stepOf := map[string]string{}
	for i, step := range steps {
		number, function, file := step[1], step[2], step[3]
		if number != strconv.Itoa(i+1) {
			t.Errorf("step %s is number %d", number, i+1)
		}
		if before, twice := stepOf[function]; twice {
			t.Errorf("%s is step %s and step %s: no step is visited twice", function, before, number)
		}
		stepOf[function] = number
		if !functionsOf(t, filepath.Join(root, "docs", filepath.FromSlash(file)))[function] {
			t.Errorf("step %s: %s does not declare %s", number, file, function)
		}
	}
}

// functionsOf returns the functions of a Go file, as package.Function or package.Type.Method.
func functionsOf(t *testing.T, file string) map[string]bool {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := parsed.Name.Name + "."
		if f.Recv != nil {
			name += receiverOf(f.Recv.List[0].Type) + "."
		}
		found[name+f.Name.Name] = true
	}
	return found
}

// receiverOf returns the name of a receiver's type, without a pointer and without type parameters.
func receiverOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiverOf(e.X)
	case *ast.IndexExpr:
		return receiverOf(e.X)
	case *ast.Ident:
		return e.Name
	default:
		return ""
	}
}
