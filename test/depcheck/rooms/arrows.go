package rooms

import (
	"cmp"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
)

// arrows finds the uses between files of a type-checked package. A use that has no name in the
// source does not count, like an element of a composite literal without keys.
func arrows(fset *token.FileSet, p *types.Package, info *types.Info) Arrows {
	uses := map[[2]string][]Use{}
	for ident, object := range info.Uses {
		if object.Pkg() != p || !object.Pos().IsValid() {
			continue
		}
		from, to := fset.Position(ident.Pos()), fset.Position(object.Pos())
		if from.Filename == to.Filename {
			continue
		}
		key := [2]string{stem(from.Filename), stem(to.Filename)}
		uses[key] = append(uses[key], Use{Line: from.Line, Object: nameOf(object)})
	}
	all := make(Arrows, 0, len(uses))
	for key, u := range uses {
		slices.SortFunc(u, func(a, b Use) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Object, b.Object))
		})
		all = append(all, Arrow{From: key[0], To: key[1], Uses: slices.Compact(u)})
	}
	slices.SortFunc(all, func(a, b Arrow) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return all
}

// nameOf returns an object's name, with the receiver if the object is a method.
func nameOf(object types.Object) string {
	switch o := object.(type) {
	case *types.Func:
		if recv := o.Signature().Recv(); recv != nil {
			if named := namedOf(recv.Type()); named != nil {
				return named.Obj().Name() + "." + o.Name()
			}
		}
	case *types.Var:
		if o.IsField() {
			return "the field " + o.Name()
		}
	}
	return object.Name()
}

// namedOf returns the named type of a receiver, or nil.
func namedOf(t types.Type) *types.Named {
	if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, _ := types.Unalias(t).(*types.Named)
	return named
}

// typesOf counts the methods and fields of a package's types. Types inside functions do not count.
func typesOf(p *types.Package) []Type {
	var all []Type
	for _, name := range p.Scope().Names() {
		object, ok := p.Scope().Lookup(name).(*types.TypeName)
		if !ok || object.IsAlias() {
			continue
		}
		named, ok := object.Type().(*types.Named)
		if !ok {
			continue
		}
		t := Type{Name: name, Methods: named.NumMethods()}
		switch u := named.Underlying().(type) {
		case *types.Struct:
			t.Fields = u.NumFields()
		case *types.Interface:
			t.Methods = u.NumExplicitMethods()
		}
		all = append(all, t)
	}
	slices.SortStableFunc(all, func(a, b Type) int { return b.Methods - a.Methods })
	return all
}

// stem returns the name of a file without its directory and ".go".
func stem(file string) string { return strings.TrimSuffix(filepath.Base(file), ".go") }
