package depcheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSkips expects each test that cannot run to say so with program.NotTested, which fails in CI.
// Only fuzzing leaves inputs out.
func TestSkips(t *testing.T) {
	for _, p := range packages(t) {
		paths, err := filepath.Glob(filepath.Join(p.Dir, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				f, ok := d.(*ast.FuncDecl)
				if !ok || strings.HasPrefix(f.Name.Name, "Fuzz") {
					continue
				}
				ast.Inspect(f, func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok && skips(s) {
						t.Errorf("%s: use program.NotTested", files.Position(n.Pos()))
					}
					return true
				})
			}
		}
	}
}

// skips reports whether an expression is a method of a test that skips it.
func skips(s *ast.SelectorExpr) bool {
	test, ok := s.X.(*ast.Ident)
	return ok && slices.Contains([]string{"t", "b", "tb"}, test.Name) && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, s.Sel.Name)
}
