package delivery

import (
	"fmt"
	"slices"
	"testing"
)

// The stream with the most names without a spec is ended, and no other stream.
func TestNamesWithoutASpecAreBounded(t *testing.T) {
	r := newRig(t)
	r.m.specs.unknown.most.names = 10
	r.edit("auth", "one")
	names := func(from, n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("made-up-%02d", from+i))
		}
		return all
	}
	ended := func() (ids []StreamID) {
		for id := range StreamID(6) {
			if _, open := r.m.Stream(id); id > 0 && !open {
				ids = append(ids, id)
			}
		}
		return ids
	}
	r.connect(1, connection{}, append(names(0, 1), "auth")...)
	r.ack(1)
	r.ack(1)
	r.connect(2, connection{}, names(10, 6)...)
	r.connect(3, connection{}, names(10, 3)...) // the same names, counted again
	if len(r.m.Streams()) != 3 || r.m.specs.unknown.sum.names != 10 {
		t.Fatalf("streams %v, %d unknown", r.m.Streams(), r.m.specs.unknown.sum.names)
	}
	r.connect(4, connection{}, "made-up-50")
	if !slices.Equal(ended(), []StreamID{2, 5}) || r.m.specs.unknown.sum.names != 5 {
		t.Fatalf("ended: %v, %d unknown: the stream with the most must go", ended(), r.m.specs.unknown.sum.names)
	}
	r.edit("made-up-50", "one") // known from now on
	r.connect(5, connection{}, names(60, 7)...)
	if len(ended()) != 2 || ended()[1] != 5 || r.m.specs.unknown.sum.names != 4 {
		t.Fatalf("ended: %v, %d unknown: names with a spec do not count", ended(), r.m.specs.unknown.sum.names)
	}
	r.wantState(1, "auth", "live one")
}

// With the budgets exhausted, the host with the most loses streams, whatever the number of its
// streams and whoever asks next. A stream that asks for too much ends before anything is made.
func TestAHostKeepsItsShare(t *testing.T) {
	for _, tt := range []struct {
		name   string
		most   load
		greedy []int // the names of each of the attacker's streams, from 10 on
		asks   int   // the names of the last stream, of the host that asked for least
		ended  []StreamID
	}{
		{"many small streams", load{20, 10_000}, []int{4, 4, 4, 4}, 3, []StreamID{13}},
		{"one large stream", load{20, 10_000}, []int{14}, 4, []StreamID{10}},
		{"an attacker that asks for too much itself", load{20, 10_000}, []int{5, 30}, 3, []StreamID{11}},
		{"bytes", load{1000, 19 * 7}, []int{7, 7}, 3, []StreamID{11}},
		{"room for all", load{20, 10_000}, []int{7, 7}, 3, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.m.specs.unknown.most = tt.most
			names := func(of StreamID, n int) (all []string) {
				for i := range n {
					all = append(all, fmt.Sprintf("x%02d-%03d", of, i)) // 7 bytes
				}
				return all
			}
			r.connect(1, connection{host: "healthy"}, names(1, 3)...)
			for i, n := range tt.greedy {
				id := StreamID(10 + i)
				r.connect(id, connection{host: "attacker"}, names(id, n)...)
			}
			r.connect(2, connection{host: "another"}, names(2, tt.asks)...)
			var ended []StreamID
			all := 0
			for _, id := range []StreamID{1, 2, 10, 11, 12, 13} {
				if _, open := r.m.Stream(id); !open && (id < 10 || int(id)-10 < len(tt.greedy)) {
					ended = append(ended, id)
				}
			}
			for _, host := range r.m.specs.unknown.hosts {
				all += host.names
			}
			if !slices.Equal(ended, tt.ended) || all != r.m.specs.unknown.sum.names {
				t.Errorf("ended: %v, want %v; %d names, %+v", ended, tt.ended, all, r.m.specs.unknown)
			}
		})
	}
}
