package delivery

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// wantNothingOf checks the machine and the memory for the absence of a name.
func (r *rig) wantNothingOf(name string) {
	r.t.Helper()
	mem := r.m.Memory()
	known := r.m.filters.get(name) != nil
	_, noted := mem.Unsettled.Filters[name]
	kept := slices.ContainsFunc(mem.Filters, func(f FilterMemory) bool { return f.Name == name })
	if known || noted || kept || r.m.Snapshot().Get(name) != nil {
		r.t.Errorf("%s: the machine knows it: %t, unsettled: %t, remembered: %t, wanted: %v", name, known, noted, kept, r.m.Snapshot().Get(name))
	}
	for key := range r.m.verdicts.All() {
		if !slices.ContainsFunc(r.m.Revisions(), func(rev *snapshot.Revision) bool { return rev.ID == key.Revision }) {
			r.t.Errorf("%s: there still is a verdict on %s", name, r.called(key.Revision))
		}
	}
}

// A spec that never loaded anywhere leaves nothing behind when it is deleted, even if filters are
// never forgotten for their age.
func TestGhostsGoAtOnce(t *testing.T) {
	broken := func(f *snapshot.Filter) { f.Revision = nil }
	tests := []struct {
		name string
		play func(*rig)
		want []string
	}{
		{"no Envoy asked", func(r *rig) { r.edit("auth", "one") }, []string{"forgot auth"}},
		{"it has an error", func(r *rig) { r.edit("auth", "one", broken) }, []string{"forgot auth"}},
		{"the Envoy refused it and is gone", func(r *rig) {
			r.edit("auth", "one")
			r.connect(1, connection{}, "auth")
			r.nack(1, unable)
			r.ack(1) // the deny
			r.step(StreamClosed{Stream: 1})
		}, []string{"forgot auth"}},
		{"an Envoy is denied", func(r *rig) {
			r.edit("auth", "one", broken)
			r.connect(1, connection{}, "auth")
			r.ack(1)
		}, []string{"forgot auth", "1 auth deny/http inline"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			tt.play(r)
			r.sent = nil
			f := *r.filters["auth"]
			f.Removed = true
			r.filters["auth"] = &f
			r.publish()
			r.want(tt.want...)
			if tt.name == "an Envoy is denied" {
				r.ack(1)
				r.wantState(1, "auth", "denied deny/http "+CodeUnknownFilter)
				r.step(StreamClosed{Stream: 1})
			}
			r.wantNothingOf("auth")
			r.restart()
			r.wantNothingOf("auth")
		})
	}
}

// An Envoy keeps the stand-in of a removed filter, even if no revision of the filter ever loaded.
func TestAPassThroughIsKept(t *testing.T) {
	for name, options := range map[string][]option{
		"onRemove": {gone(spec.Passthrough)},
		"open":     {gone(spec.Keep), policy(spec.Open)},
		"disabled": {gone(spec.Keep), disabled},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.edit("auth", "one", append(options, func(f *snapshot.Filter) { f.Removed, f.Revision = false, nil })...)
			r.connect(1, connection{}, "auth")
			r.ack(1)
			r.sent = nil
			f := *r.filters["auth"]
			f.Removed = true
			r.filters["auth"] = &f
			r.publish()
			if slices.Contains(r.sent, "forgot auth") {
				t.Error("the Envoy would be denied what passed before")
			}
			r.step(StreamClosed{Stream: 1})
			r.wantNothingOf("auth")
		})
	}
}

func TestRemovedFiltersAgeOut(t *testing.T) {
	const day = 24 * time.Hour
	r := newRig(t)
	r.forget = day
	r.restart()
	r.live("auth", "one", 1)
	r.pass(3 * day)
	r.edit("auth", "one", gone(spec.Keep))
	r.pass(3 * day) // an Envoy asks for it
	r.want()
	r.step(StreamClosed{Stream: 1})
	r.pass(day - time.Second)
	r.connect(2, connection{}, "auth") // the time begins anew
	r.want("2 auth one inline")
	r.ack(2)
	r.step(StreamClosed{Stream: 2})
	r.pass(day - time.Second)
	r.want()
	r.pass(time.Second)
	r.want("forgot auth")
	r.wantNothingOf("auth")
	r.restart()
	r.wantNothingOf("auth")
	r.connect(3, connection{}, "auth")
	r.want("3 auth deny/http inline")
}

// The time goes on over restarts, but Envoys can come back after each restart.
func TestAgeOverRestarts(t *testing.T) {
	const day = 24 * time.Hour
	setUp := func(t *testing.T) *rig {
		r := newRig(t)
		r.forget = day
		r.restart()
		r.live("auth", "one", 1)
		r.edit("auth", "one", gone(spec.Keep))
		return r
	}
	t.Run("nobody asks", func(t *testing.T) {
		r := setUp(t)
		r.step(StreamClosed{Stream: 1})
		r.pass(day / 2)
		r.restart()
		r.pass(day/2 - time.Second)
		r.want()
		r.pass(time.Second)
		r.want("forgot auth")
	})
	t.Run("the server was down for long", func(t *testing.T) {
		r := setUp(t)
		r.step(StreamClosed{Stream: 1})
		r.now = r.now.Add(3 * day)
		r.restart()
		r.pass(time.Minute)
		r.want()
		r.connect(2, connection{accepted: map[string]string{"auth": r.version("auth").String()}}, "auth")
		r.pass(day)
		r.sent = nil
		r.wantState(2, "auth", "live one "+CodeKept)
	})
	t.Run("it was asked for when the server ended", func(t *testing.T) {
		r := setUp(t)
		r.pass(3 * day)
		r.restart()
		r.pass(day - time.Second)
		r.want()
		r.pass(time.Second)
		r.want("forgot auth")
	})
	t.Run("the clock was set back", func(t *testing.T) {
		r := setUp(t)
		r.step(StreamClosed{Stream: 1})
		for i := range r.memory.Filters {
			r.memory.Filters[i].IdleSince = r.now.Add(30 * day)
		}
		r.restart()
		r.pass(day)
		r.want("forgot auth")
	})
	t.Run("never", func(t *testing.T) {
		r := setUp(t)
		r.forget = 0
		r.restart()
		r.pass(1000 * day)
		r.want()
	})
}

// Three hundred specs came and went, and no Envoy ever asked for them.
func TestManySpecsThatCameAndWent(t *testing.T) {
	r := newRig(t)
	for i := range 300 {
		name := fmt.Sprintf("f%03d", i)
		r.edit(name, "one")
		r.edit(name, "one", gone(spec.Keep))
	}
	if n := len(r.m.Names()); n != 0 || len(r.m.Memory().Filters) != 0 || len(r.m.Revisions()) != 0 {
		t.Errorf("%d names, %d remembered, %d revisions", n, len(r.m.Memory().Filters), len(r.m.Revisions()))
	}
}

// A stream asks for made-up names, refuses all responses, and ends.
func TestNothingIsKeptOfMadeUpNames(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("made-up-%d", i))
	}
	r.connect(1, connection{}, names...)
	for range names {
		r.nack(1, "filter config has type URL x.filters.http.wasm but expect x.filters.network.wasm")
	}
	if mem := r.m.Memory(); len(mem.Filters) != 1 || len(mem.Unsettled.Filters) != 0 {
		t.Errorf("while it asks, %d filters and %d unsettled ones are on the disk", len(mem.Filters), len(mem.Unsettled.Filters))
	}
	r.step(StreamClosed{Stream: 1})
	if n := len(r.m.filters.byName); n != 1 || len(r.m.record.Filters()) != 0 {
		t.Errorf("%d filters are left, %d unsettled", n, len(r.m.record.Filters()))
	}
}

// The memory of an older version has names without a spec: they are dropped.
func TestMadeUpNamesOfAnOlderVersion(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.memory.Filters = append(r.memory.Filters, FilterMemory{Name: "made-up", Type: spec.Network})
	r.memory.Unsettled = Unsettled{Seq: r.memory.Seq + 1, Filters: map[string]UnsettledFilter{
		"made-up": {Nodes: map[string]string{"edge-1": ""}, Filter: FilterMemory{Name: "made-up", Type: spec.Network}},
	}}
	r.restart()
	if r.m.filters.get("made-up") != nil || len(r.m.filters.byName) != 1 {
		t.Errorf("filters: %v", r.m.Names())
	}
}

// An Envoy that asked for a filter when the server ended may be on the way back.
func TestEnvoysMayComeBack(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "one", gone(spec.Keep))
	r.restart()
	if st, _ := r.m.Brief("auth"); !st.BackBy.Equal(r.now.Add(30 * time.Second)) {
		t.Errorf("they may come back until %v", st.BackBy)
	}
	r.connect(2, connection{}, "auth")
	r.pass(time.Second)
	r.step(StreamClosed{Stream: 2})
	if st, _ := r.m.Brief("auth"); !st.BackBy.IsZero() || st.IdleSince.IsZero() {
		t.Errorf("they were there, and have gone: until %v", st.BackBy)
	}
}
