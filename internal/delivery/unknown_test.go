package delivery

import (
	"fmt"
	"slices"
	"testing"
)

// The stream with the most names without a spec is ended, and no other stream.
func TestNamesWithoutASpecAreBounded(t *testing.T) {
	r := newRig(t)
	r.m.specs.unknown.limit = 10
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
	if len(r.m.Streams()) != 3 || r.m.specs.unknown.total != 10 {
		t.Fatalf("streams %v, %d unknown", r.m.Streams(), r.m.specs.unknown.total)
	}
	r.connect(4, connection{}, "made-up-50")
	if !slices.Equal(ended(), []StreamID{2, 5}) || r.m.specs.unknown.total != 5 {
		t.Fatalf("ended: %v, %d unknown: the stream with the most must go", ended(), r.m.specs.unknown.total)
	}
	r.edit("made-up-50", "one") // known from now on
	r.connect(5, connection{}, names(60, 7)...)
	if len(ended()) != 2 || ended()[1] != 5 || r.m.specs.unknown.total != 4 {
		t.Fatalf("ended: %v, %d unknown: names with a spec do not count", ended(), r.m.specs.unknown.total)
	}
	r.wantState(1, "auth", "live one")
}
