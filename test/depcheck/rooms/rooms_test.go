package rooms

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// measureText measures a package that imports nothing, from the texts of its files.
func measureText(t *testing.T, texts map[string]string) *Package {
	t.Helper()
	fset := token.NewFileSet()
	p := &Package{Path: "p"}
	var files []*ast.File
	for name, text := range texts {
		file, err := parser.ParseFile(fset, name+".go", "package p\n"+text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
		p.Files = append(p.Files, File{Name: name})
	}
	slices.SortFunc(p.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	checked, err := new(types.Config).Check("p", fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	p.Arrows, p.Types = arrows(fset, checked, info), typesOf(checked)
	p.Writes = writes(fset, checked, files, info)
	return p
}

func TestWrites(t *testing.T) {
	const low = `
type T struct { n int; m map[int]int; E }
type E struct { promoted []int }
`
	for _, tt := range []struct{ name, use, want string }{
		{"assignment", "t.n = 1", "n"},
		{"one of several", "_, t.n = 1, 2", "n"},
		{"increment", "t.n++", "n"},
		{"operation", "t.n += 2", "n"},
		{"element", "t.m[1] = 2", "m"},
		{"promoted", "(t.promoted)[0] = 2", "promoted"},
		{"address", "_ = &t.n", "n"},
		{"delete", "delete(t.m, 1)", "m"},
		{"clear", "clear(t.E.promoted)", "promoted"},
		{"read", "_ = t.n", ""},
		{"address of an element", "_ = &t.promoted[0]", ""},
		{"composite literal", "_ = T{n: 1}", ""},
		{"the whole", "*t = T{}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := measureText(t, map[string]string{"low": low, "high": "func f(t *T) { " + tt.use + " }"})
			got := ""
			for _, w := range p.Writes {
				got += w.Field
				if w.File != "high" || w.Owner != "low" || w.Line != 2 {
					t.Errorf("%+v", w)
				}
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestArrows(t *testing.T) {
	const low = `
type T struct { Field int; E }
type E struct { promoted int }
func (*T) Method() {}
func (E) Promoted() {}
func f() *T { return nil }
type G[P any] struct { generic P }
func (G[P]) M() {}
var v int
const c = 1
type I interface { M() }
`
	for _, tt := range []struct{ name, use, want string }{
		{"type", "var _ T", "T"},
		{"function", "var _ = f", "f"},
		{"variable", "var _ = v", "v"},
		{"constant", "var _ = c", "c"},
		{"receiver", "func (*T) More() {}", "T"},
		{"method", "func g() { f().Method() }", "T.Method f"},
		{"promoted method", "func g() { f().Promoted() }", "E.Promoted f"},
		{"field", "var _ = f().Field", "f the field Field"},
		{"promoted field", "var _ = f().promoted", "f the field promoted"},
		{"key", "var _ = T{Field: 1}", "T the field Field"},
		{"generic", "func g(x G[int]) { x.M(); _ = x.generic }", "G G.M the field generic"},
		{"method of an interface", "func g(x I) { x.M() }", "I I.M"},
		{"own name", "func g(v int) int { return v }", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := measureText(t, map[string]string{"low": low, "high": tt.use})
			var got []string
			for _, a := range p.Arrows {
				if a.From != "high" || a.To != "low" {
					t.Errorf("an arrow from %s to %s", a.From, a.To)
				}
				for _, u := range a.Uses {
					got = append(got, u.Object)
				}
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTypes(t *testing.T) {
	p := measureText(t, map[string]string{
		"a": "type T struct { a, b int }\nfunc (T) One() {}\ntype I interface { M() }\ntype A = T",
		"b": "func (*T) Two() {}\ntype U struct { T; c, d int }",
	})
	want := []Type{{Name: "T", Methods: 2, Fields: 2}, {Name: "I", Methods: 1}, {Name: "U", Fields: 3}}
	if diff := cmp.Diff(want, p.Types); diff != "" {
		t.Error(diff)
	}
	if got := p.MostFields(1)[0].Name; got != "U" {
		t.Errorf("%s has the most fields", got)
	}
}

// arrowsOf reads arrows like "a>b".
func arrowsOf(pairs string) Arrows {
	var all Arrows
	for _, pair := range strings.Fields(pairs) {
		from, to, _ := strings.Cut(pair, ">")
		all = append(all, Arrow{From: from, To: to, Uses: []Use{{Line: 7, Object: "x"}}})
	}
	return all
}

func TestOrder(t *testing.T) {
	for _, tt := range []struct {
		name, files, arrows string
		want                Layers
		upward, inCycles    int
	}{
		{"no arrows", "a b", "", Layers{{"a", "b"}}, 0, 0},
		{"a chain", "a b c", "a>b b>c a>c", Layers{{"c"}, {"b"}, {"a"}}, 0, 0},
		{"siblings", "a b c d", "a>b a>c b>d c>d", Layers{{"d"}, {"b", "c"}, {"a"}}, 0, 0},
		{"one arrow back", "a b c", "a>b b>c a>c c>a", Layers{{"c"}, {"b"}, {"a"}}, 1, 3},
		{"below a cycle", "a b c", "a>b b>a a>c b>c", nil, 1, 2},
		{"two cycles", "a b c d", "a>b b>a c>d d>c a>c", nil, 2, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &Package{Arrows: arrowsOf(tt.arrows)}
			for _, f := range strings.Fields(tt.files) {
				p.Files = append(p.Files, File{Name: f})
			}
			got := Propose(p)
			if diff := cmp.Diff(tt.want, got); tt.want != nil && diff != "" {
				t.Error(diff)
			}
			if n := len(got.Upward(p.Arrows)); n != tt.upward {
				t.Errorf("%d upward arrows, want %d", n, tt.upward)
			}
			n := 0
			for _, c := range Cycles(p) {
				n += len(c)
			}
			if n != tt.inCycles {
				t.Errorf("%d files in cycles, want %d", n, tt.inCycles)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	p := &Package{
		Path:   "p",
		Files:  []File{{Name: "a"}, {Name: "b"}, {Name: "other", OtherPlatform: true}},
		Arrows: arrowsOf("a>b"),
	}
	for _, tt := range []struct {
		name   string
		layers []string
		want   []string
	}{
		{"in order", []string{"b other", "a"}, nil},
		{"upward", []string{"a other", "b"}, []string{
			"p/a.go:7: uses x of b.go, which is in a higher layer: a.go is in layer 1 (a other), b.go in layer 2 (b)",
		}},
		{"siblings", []string{"a b other"}, []string{
			"p/a.go:7: uses x of b.go, which is in the same layer: a.go is in layer 1 (a b other), b.go in layer 1 (a b other)",
		}},
		{"a file of another platform", []string{"b", "a"}, []string{"p: no layer lists other.go"}},
		{"no such file", []string{"b other", "a", "c"}, []string{"p: layer 3 lists c.go, which does not exist"}},
		{"twice", []string{"b other", "b", "a"}, []string{"p: layers 1 and 2 both list b.go"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Check(p, ParseLayers(tt.layers))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
