package desired

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

func TestRollbacks(t *testing.T) {
	old, described := revisionOf("a", "old"), revisionOf("a", "new")
	var none Pins
	pins := none.RollBack("a", old, Pin{Instead: described.ID})
	if got := pins["a"]; len(none) != 0 || got.Revision != old || got.Instead != described.ID {
		t.Errorf("rolled back: %+v", pins)
	}
	rolledBack := filterOf("a", "old")
	if id := pins.Described(rolledBack); id != described.ID {
		t.Errorf("the spec describes %s during a rollback", id)
	}
	ended := pins.RollBack("a", described, Pin{Instead: described.ID})
	if len(ended) != 0 || len(pins) != 1 {
		t.Errorf("back to the spec's own revision: %+v, before %+v", ended, pins)
	}
	if id := ended.Described(rolledBack); id != old.ID {
		t.Errorf("the spec describes %s without a rollback", id)
	}
	pinned := ended.RollBack("a", described, Pin{Instead: described.ID, Pinned: true, By: "ann"})
	if got := pinned["a"]; got.Revision != described || got.By != "ann" {
		t.Errorf("pinned to the spec's own revision: %+v", pinned)
	}
	if left := pinned.Without("a"); len(left) != 0 || len(pinned) != 1 {
		t.Errorf("unpinned: %+v, before %+v", left, pinned)
	}
	for _, f := range []*snapshot.Filter{{Name: "a"}, filterOf("a", "old", removed)} {
		if id := pins.Described(f); id != "" {
			t.Errorf("%+v is described by a spec: %s", f, id)
		}
	}
}
