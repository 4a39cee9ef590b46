package desired

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestEachSourceIsHeldByItself: a directory becomes empty, and a bundle beside it does not.
func TestEachSourceIsHeldByItself(t *testing.T) {
	const bundle = "oci://registry.example/team/filters:prod"
	in := func(root, name string) *snapshot.Filter {
		f := filterOf(name, "old")
		f.SpecFile = root + "/" + name + ".yaml"
		return f
	}
	from := func(root, name string) *spec.Spec {
		s := specOf(name)
		s.File = root + "/" + name + ".yaml"
		return s
	}
	before := []*snapshot.Filter{in("/specs", "a"), in("/specs", "b"), in(bundle, "x"), in(bundle, "y")}
	empty := func(name string) *snapshot.Filter {
		return &snapshot.Filter{Name: name, Type: spec.HTTP, Policy: spec.Closed, SpecFile: "/specs/" + name + ".yaml"}
	}
	for _, tt := range []struct {
		name       string
		before     []*snapshot.Filter
		specs      []*spec.Spec
		allowEmpty bool
		want       string
	}{
		{name: "the directory is emptied", before: before, specs: []*spec.Spec{from(bundle, "x"), from(bundle, "y")}, want: "a=old, b=old, x=new, y=new, held"},
		{name: "the bundle is", before: before, specs: []*spec.Spec{from("/specs", "a"), from("/specs", "b")}, want: "a=new, b=new, x=old, y=old, held"},
		{name: "both are", before: before, want: "a=old, b=old, x=old, y=old, held"},
		{name: "one of each is removed", before: before, specs: []*spec.Spec{from("/specs", "a"), from(bundle, "x")}, want: "a=new, b=old!, x=new, y=old!"},
		{name: "the directory's move into the bundle", before: before, specs: []*spec.Spec{from(bundle, "a"), from(bundle, "b"), from(bundle, "x"), from(bundle, "y")}, want: "a=new, b=new, x=new, y=new"},
		{name: "with --allow-empty", before: before, specs: []*spec.Spec{from(bundle, "x"), from(bundle, "y")}, allowEmpty: true, want: "a=old!, b=old!, x=new, y=new"},
		{name: "a source that is none any more", before: append(before[:2:2], in("/elsewhere", "p"), in("/elsewhere", "q")), specs: []*spec.Spec{from("/specs", "a"), from("/specs", "b")}, want: "a=new, b=new, p=old!, q=old!"},
		{name: "what never could be served is not held", before: []*snapshot.Filter{empty("a"), empty("b")}, want: "a=-!, b=-!"},
		{name: "but what could is", before: []*snapshot.Filter{empty("a"), in("/specs", "b")}, want: "a=-!, b=old, held"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			loads := func(s *spec.Spec) Outcome { return Outcome{Revision: revisionOf(s.Name, "new")} }
			got := Make(Input{
				Previous: snapshot.New(tt.before), Made: make([]*snapshot.Filter, len(tt.specs)), Unfinished: unfinishedOf(tt.specs, loads), Delivery: spec.Remote, AllowEmpty: tt.allowEmpty,
				Set: source.Set{Specs: tt.specs, Roots: []string{"/specs", bundle}},
			})
			if describe(got) != tt.want {
				t.Errorf("got  %s\nwant %s", describe(got), tt.want)
			}
		})
	}
}
