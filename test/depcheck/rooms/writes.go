package rooms

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// writes finds the writes of fields between files of a type-checked package. An element of a
// composite literal is no write: it makes a value that nothing else has yet.
func writes(fset *token.FileSet, p *types.Package, files []*ast.File, info *types.Info) []Write {
	var all []Write
	note := func(e ast.Expr) {
		s, ok := written(e).(*ast.SelectorExpr)
		if !ok {
			return
		}
		field, ok := info.Uses[s.Sel].(*types.Var)
		if !ok || !field.IsField() || field.Pkg() != p {
			return
		}
		at, owner := fset.Position(s.Sel.Pos()), fset.Position(field.Pos())
		if at.Filename != owner.Filename {
			all = append(all, Write{stem(at.Filename), at.Line, stem(owner.Filename), field.Name()})
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					note(left)
				}
			case *ast.IncDecStmt:
				note(n.X)
			case *ast.UnaryExpr:
				if s, ok := n.X.(*ast.SelectorExpr); ok && n.Op == token.AND {
					note(s)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear") {
					note(n.Args[0])
				}
			}
			return true
		})
	}
	slices.SortFunc(all, func(a, b Write) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Field, b.Field))
	})
	return all
}

// written is the expression of the field in x.field[i], *x.field and (x.field).
func written(e ast.Expr) ast.Expr {
	for {
		switch x := e.(type) {
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return e
		}
	}
}
