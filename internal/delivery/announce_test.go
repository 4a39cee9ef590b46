package delivery

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A checkout of many specs is written down once, before the first push, and not once for each spec.
func TestManyUnprovenPushesAreOneRecord(t *testing.T) {
	const filters = 100
	now := time.Unix(1_000_000, 0)
	wanted := func(root string) SnapshotChanged {
		var all []*snapshot.Filter
		for i := range filters {
			name := fmt.Sprintf("filter-%03d", i)
			r := (&snapshot.Revision{Filter: name, Type: spec.HTTP, RootID: root, VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"}}).Seal()
			all = append(all, &snapshot.Filter{Name: name, Type: spec.HTTP, Revision: r, Delivery: spec.Inline})
		}
		return SnapshotChanged{snapshot.New(all)}
	}
	m := New(Config{Epoch: 1, Substitutes: realStandIns{}}, Memory{}, now)
	records, sent := 0, 0
	var record Unsettled
	step := func(e Event) (last string) {
		actions := m.Step(now, e)
		for _, a := range actions {
			if a, ok := a.(PersistUnsettled); ok && a.Awaited {
				records++
				record = m.Unsettled()
			}
		}
		for _, a := range sends(actions) {
			last = a.Name
			if !a.Unproven {
				continue
			}
			sent++
			if got := record.Filters[a.Name].Nodes["edge"]; got != a.Revision.ID {
				t.Fatalf("%s %s is sent, but %q is written down", a.Name, a.Revision.ID, got)
			}
		}
		return last
	}
	run := func(e Event) {
		t.Helper()
		records, sent = 0, 0
		for last := step(e); last != ""; {
			last = step(Requested{Stream: 1, Answer: &Answer{Name: last}})
		}
		if records != 1 || sent != filters {
			t.Errorf("%d records of %d unproven pushes, want one of %d", records, sent, filters)
		}
	}
	step(wanted("first"))
	step(StreamOpened{Stream: 1, Node: Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
	boot := Requested{Stream: 1}
	for _, f := range m.Snapshot().All() {
		boot.Subscribe = append(boot.Subscribe, Subscription{Name: f.Name})
	}
	run(boot)
	run(wanted("second"))
	if left := m.Unsettled(); len(left.Filters) != filters {
		t.Errorf("%d filters are written down before the memory is, not %d", len(left.Filters), filters)
	}
	m.Saved(m.Memory().Seq)
	if left := m.Unsettled(); len(left.Filters) != 0 {
		t.Errorf("%d filters are unsettled when all is answered", len(left.Filters))
	}

	// When the stream ends, the announced pushes have not been sent.
	step(wanted("third"))
	step(StreamClosed{Stream: 1})
	left := m.Unsettled().Filters
	maps.DeleteFunc(left, func(_ string, f UnsettledFilter) bool { return len(f.Nodes) == 0 })
	if len(left) != 1 {
		t.Errorf("%d filters are unsettled after the one that was under way", len(left))
	}
}
