package desired

import (
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func revisionOf(name, root string) *snapshot.Revision {
	return (&snapshot.Revision{Filter: name, Type: spec.HTTP, RootID: root, Policy: spec.Closed}).Seal()
}

func specOf(name string) *spec.Spec {
	return &spec.Spec{
		Name: name, Type: spec.HTTP, Policy: spec.Closed, OnRemove: spec.Keep, File: "/specs/" + name + ".yaml",
		Module: spec.Module{File: &spec.FileRef{Path: "/m.wasm"}},
	}
}

func filterOf(name, root string, change ...func(*snapshot.Filter)) *snapshot.Filter {
	f := &snapshot.Filter{
		Name: name, Type: spec.HTTP, Revision: revisionOf(name, root), Policy: spec.Closed, Delivery: spec.Remote,
		OnRemove: spec.Keep, SpecFile: "/specs/" + name + ".yaml",
	}
	for _, c := range change {
		c(f)
	}
	return f
}

func removed(f *snapshot.Filter) { f.Removed = true }

// describe is a plan as text: `name=root`, with `!` for removed, `-` for no revision,
// and the code of the problem behind it.
func describe(p Plan) string {
	var lines []string
	for _, f := range p.Filters {
		line := f.Name + "="
		if f.Revision == nil {
			line += "-"
		} else {
			line += f.Revision.RootID
		}
		if f.Removed {
			line += "!"
		}
		if f.Disabled {
			line += "~"
		}
		if e := p.Problems[f.Name]; e != nil {
			line += " " + e.Code
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	if p.Held != nil {
		lines = append(lines, "held")
	}
	return strings.Join(lines, ", ")
}

func TestPlan(t *testing.T) {
	loads := func(s *spec.Spec) Outcome { return Outcome{Revision: revisionOf(s.Name, "new")} }
	missing := func(*spec.Spec) Outcome { return Outcome{Err: &spec.Error{Code: "module_missing"}} }
	pending := func(*spec.Spec) Outcome { return Outcome{Pending: true} }
	at := func(file, name, code string) *spec.Error {
		return &spec.Error{Code: code, Name: name, Pos: spec.Position{File: file, Line: 1}}
	}
	disabled := specOf("a")
	disabled.Disabled = true
	tests := []struct {
		name       string
		before     []*snapshot.Filter
		specs      []*spec.Spec
		errs       []*spec.Error
		broken     []string
		resolve    func(*spec.Spec) Outcome
		allowEmpty bool
		want       string
	}{
		{name: "a first spec", specs: []*spec.Spec{specOf("a")}, resolve: loads, want: "a=new"},
		{name: "an edit", before: []*snapshot.Filter{filterOf("a", "old")}, specs: []*spec.Spec{specOf("a")}, resolve: loads, want: "a=new"},
		{name: "a module that is missing leaves the last good one", before: []*snapshot.Filter{filterOf("a", "old")}, specs: []*spec.Spec{specOf("a")}, resolve: missing, want: "a=old module_missing"},
		{name: "a module that never was there", specs: []*spec.Spec{specOf("a")}, resolve: missing, want: "a=- module_missing"},
		{name: "a download under way", before: []*snapshot.Filter{filterOf("a", "old")}, specs: []*spec.Spec{specOf("a")}, resolve: pending, want: "a=old"},
		{name: "a first download under way", specs: []*spec.Spec{specOf("a")}, resolve: pending, want: "a=-"},
		{name: "disabled works without the module", before: []*snapshot.Filter{filterOf("a", "old")}, specs: []*spec.Spec{disabled}, resolve: missing, want: "a=old~ module_missing"},
		{name: "one of two is removed", before: []*snapshot.Filter{filterOf("a", "old"), filterOf("b", "old")}, specs: []*spec.Spec{specOf("a")}, resolve: loads, want: "a=new, b=old!"},
		{name: "the only one is removed", before: []*snapshot.Filter{filterOf("a", "old")}, resolve: loads, want: "a=old!"},
		{name: "all of two are held", before: []*snapshot.Filter{filterOf("a", "old"), filterOf("b", "old")}, resolve: loads, want: "a=old, b=old, held"},
		{name: "all of two with --allow-empty", before: []*snapshot.Filter{filterOf("a", "old"), filterOf("b", "old")}, resolve: loads, allowEmpty: true, want: "a=old!, b=old!"},
		{name: "all of two beside one that was removed before are held", before: []*snapshot.Filter{filterOf("a", "old"), filterOf("b", "old"), filterOf("c", "old", removed)}, resolve: loads, want: "a=old, b=old, c=old!, held"},
		{name: "the last of one beside one that was removed before", before: []*snapshot.Filter{filterOf("a", "old"), filterOf("c", "old", removed)}, resolve: loads, want: "a=old!, c=old!"},
		{name: "held until a spec appears", before: []*snapshot.Filter{filterOf("a", "old"), filterOf("b", "old")}, specs: []*spec.Spec{specOf("c")}, resolve: loads, want: "a=old!, b=old!, c=new"},
		{name: "a removed one comes back", before: []*snapshot.Filter{filterOf("a", "old", removed)}, specs: []*spec.Spec{specOf("a")}, resolve: loads, want: "a=new"},
		{name: "a removed one comes back without its module", before: []*snapshot.Filter{filterOf("a", "old", removed)}, specs: []*spec.Spec{specOf("a")}, resolve: missing, want: "a=old module_missing"},
		{name: "an error in a document keeps what it described", before: []*snapshot.Filter{filterOf("a", "old"), filterOf("b", "old")}, specs: []*spec.Spec{specOf("b")}, errs: []*spec.Error{at("/specs/a.yaml", "a", "unknown_field")}, resolve: loads, want: "a=old unknown_field, b=new"},
		{name: "an error in a document that never was good", errs: []*spec.Error{at("/specs/a.yaml", "a", "unknown_field")}, resolve: loads, want: "a=- unknown_field"},
		{name: "a file that is no YAML keeps what it held", before: []*snapshot.Filter{filterOf("a", "old"), filterOf("b", "old")}, specs: []*spec.Spec{specOf("b")}, errs: []*spec.Error{at("/specs/a.yaml", "", "bad_yaml")}, broken: []string{"/specs/a.yaml"}, resolve: loads, want: "a=old bad_yaml, b=new"},
		{name: "a directory that cannot be read keeps what it held", before: []*snapshot.Filter{filterOf("a", "old")}, errs: []*spec.Error{at("/specs", "", "unreadable")}, broken: []string{"/specs"}, resolve: loads, want: "a=old unreadable"},
		{name: "a document that lost its name keeps what its file held", before: []*snapshot.Filter{filterOf("a", "old")}, errs: []*spec.Error{at("/specs/a.yaml", "", "missing_field")}, resolve: loads, want: "a=old missing_field"},
		{name: "a name in two documents keeps the last good one", before: []*snapshot.Filter{filterOf("a", "old")}, errs: []*spec.Error{at("/specs/b.yaml", "a", "duplicate_name")}, resolve: loads, want: "a=old duplicate_name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Make(Input{
				Previous: snapshot.New(tt.before), Made: make([]*snapshot.Filter, len(tt.specs)), Unfinished: unfinishedOf(tt.specs, tt.resolve),
				Delivery: spec.Remote, AllowEmpty: tt.allowEmpty,
				Set: source.Set{Specs: tt.specs, Errors: tt.errs, BrokenFiles: tt.broken},
			})
			if describe(got) != tt.want {
				t.Errorf("got  %s\nwant %s", describe(got), tt.want)
			}
		})
	}
}

func unfinishedOf(specs []*spec.Spec, resolve func(*spec.Spec) Outcome) []Unfinished {
	var unfinished []Unfinished
	for _, s := range specs {
		unfinished = append(unfinished, Unfinished{s, resolve(s)})
	}
	return unfinished
}

func TestPinHoldsUntilTheSpecChanges(t *testing.T) {
	old, instead := revisionOf("a", "old"), revisionOf("a", "new")
	p := Input{
		Previous: snapshot.New([]*snapshot.Filter{filterOf("a", "new")}), Delivery: spec.Remote,
		Set:  source.Set{Specs: []*spec.Spec{specOf("a")}},
		Pins: Pins{"a": {Revision: old, Instead: instead.ID}},
		Made: []*snapshot.Filter{NewFilter(specOf("a"), instead, spec.Remote)},
	}
	if got := Make(p); describe(got) != "a=old" || len(got.Pins) != 1 {
		t.Errorf("pinned: %s, %v", describe(got), got.Pins)
	}
	p.Made, p.Unfinished = []*snapshot.Filter{nil}, []Unfinished{{p.Set.Specs[0], Outcome{Revision: revisionOf("a", "newer")}}}
	if got := Make(p); describe(got) != "a=newer" || len(got.Pins) != 0 {
		t.Errorf("after an edit: %s, %v", describe(got), got.Pins)
	}
}
