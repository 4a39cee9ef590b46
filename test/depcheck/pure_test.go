package depcheck

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWithoutGoroutines looks at the packages that the Makefile tests without the race detector.
// Neither they nor their tests start a goroutine, and no test runs beside another.
func TestWithoutGoroutines(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^WITHOUT_GOROUTINES = (.+)$`).FindSubmatch(makefile)
	if list == nil {
		t.Fatal("the Makefile has no WITHOUT_GOROUTINES")
	}
	for pattern := range strings.FieldsSeq(string(list[1])) {
		path, below := strings.CutSuffix(strings.TrimPrefix(pattern, "./"), "/...")
		seen := false
		for _, p := range packages(t) {
			if p.Path != path && !(below && strings.HasPrefix(p.Path, path+"/")) {
				continue
			}
			seen = true
			files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
			if err != nil || len(files) == 0 {
				t.Fatalf("%s: %v", p.Dir, err)
			}
			for _, file := range files {
				wantNoGoroutine(t, file)
			}
		}
		if !seen {
			t.Errorf("there is no package %s", pattern)
		}
	}
}

func wantNoGoroutine(t *testing.T, path string) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s: a goroutine: take the package out of WITHOUT_GOROUTINES in the Makefile", files.Position(n.Pos()))
		case *ast.SelectorExpr:
			if slices.Contains([]string{"Go", "Parallel", "RunParallel", "AfterFunc"}, n.Sel.Name) {
				t.Errorf("%s: %s: take the package out of WITHOUT_GOROUTINES in the Makefile", files.Position(n.Pos()), n.Sel.Name)
			}
		}
		return true
	})
}
