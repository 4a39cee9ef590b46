package control

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// withoutSpec is the set without the spec at i.
func withoutSpec(set source.Set, i int) source.Set {
	set.Specs = slices.Delete(slices.Clone(set.Specs), i, i+1)
	return set
}

// Specs that came and went while no Envoy asked leave nothing: neither a filter nor a module.
func TestSpecsThatCameAndWentLeaveNothing(t *testing.T) {
	c, set := newScaled(300)
	one := set
	one.Specs = set.Specs[:1]
	c.takeAndWait(one)
	if n := c.view.Snapshot.Len(); n != 1 || len(c.view.Machine.Names()) != 1 || len(c.view.Machine.Revisions()) != 1 || len(c.saves.contents().Memory.Filters) != 1 {
		t.Errorf("%d filters are wanted, %v are known, %d revisions, %d are saved", n, c.view.Machine.Names(), len(c.view.Machine.Revisions()), len(c.saves.contents().Memory.Filters))
	}
	c.takeAndWait(set) // and come again
	if n := c.view.Snapshot.Len(); n != 300 {
		t.Errorf("%d filters", n)
	}
}

// live has an Envoy run the filters of a set.
func (c *Control) live(set source.Set) {
	c.deliverer.sender = accepting{c}
	c.deliverer.step(delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: "edge-7", Version: "1.40.0", Address: "10.0.0.7:4000"}, ADS: true, Delta: true})
	for _, s := range set.Specs {
		c.deliverer.step(delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{{Name: s.Name}}})
	}
	c.takeAll(set)
}

func TestForgetSaysWhyNot(t *testing.T) {
	c, set := newScaled(3)
	c.live(set)
	name := set.Specs[0].Name
	want := func(name, code, text string) {
		t.Helper()
		if _, e := forget(c, name); e == nil || e.Code != code || !strings.Contains(e.Error(), text) {
			t.Errorf("%s: %v, want %s, %s", name, e, code, text)
		}
	}
	want("nobody", api.CodeNoFilter, "nobody")
	want(name, api.CodeHasSpec, set.Specs[0].File)
	broken := withoutSpec(set, 0)
	broken.Errors = []*spec.Error{{Code: "unknown_field", Name: name, Message: "unknown field", Pos: spec.Position{File: "/specs/auth.yaml", Line: 3}}}
	c.takeAll(broken)
	want(name, api.CodeHasSpec, "/specs/auth.yaml:3")
	c.takeAll(withoutSpec(set, 0))
	want(name, api.CodeStillAsked, "1 Envoy asks for filter \""+name+"\": edge-7 (10.0.0.7:4000)")
	f, _ := report.Filter(c.view, name, time.Now())
	if f.State != api.FilterRemoved || f.Error == nil {
		t.Errorf("while an Envoy asks: %s, %v", f.State, f.Error)
	}
	c.deliverer.step(delivery.StreamClosed{Stream: 1})
	if f, _ = report.Filter(c.view, name, time.Now()); f.Error != nil || len(f.Warnings) != 1 || f.IdleSince.IsZero() || !f.ForgetAt.IsZero() {
		t.Errorf("when none asks: %v, %v, idle since %v, forgotten at %v", f.Error, f.Warnings, f.IdleSince, f.ForgetAt)
	}
	done, e := forget(c, name)
	if e != nil || done.Revisions != 1 || done.IdleSince.IsZero() {
		t.Errorf("%+v, %v", done, e)
	}
	if _, there := report.Filter(c.view, name, time.Now()); there || c.view.Snapshot.Get(name) != nil || slices.ContainsFunc(c.saves.contents().Memory.Filters, func(f delivery.FilterMemory) bool { return f.Name == name }) {
		t.Error("it is there still")
	}
	c.takeAll(withoutSpec(set, 0))
	if c.view.Snapshot.Get(name) != nil {
		t.Error("it comes back with the next set")
	}
}

// A held filter has no spec. By the command, the user confirms the removal.
func TestForgetWhatIsHeld(t *testing.T) {
	c, set := newScaled(2)
	c.live(set)
	c.deliverer.step(delivery.StreamClosed{Stream: 1})
	empty := set
	empty.Specs = nil
	c.takeAll(empty)
	if c.view.Plan.Held == nil {
		t.Fatal("nothing is held")
	}
	for i, s := range set.Specs {
		if _, e := forget(c, s.Name); e != nil {
			t.Errorf("%s: %v", s.Name, e)
		}
		c.takeAll(empty)
		if n := c.view.Snapshot.Len(); n != 1-i {
			t.Errorf("%d filters are left", n)
		}
	}
	if c.view.Plan.Held != nil {
		t.Error("nothing is left that could be held, " + fmt.Sprint(c.view.Plan.Held))
	}
}
