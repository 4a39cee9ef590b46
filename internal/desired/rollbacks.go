package desired

import (
	"maps"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Pin is a rollback: Revision is served for as long as the spec describes Instead.
// See docs/RATIONALE.md#how-long-does-a-rollback-hold.
type Pin struct {
	Revision *snapshot.Revision `json:"revision"`
	Instead  string             `json:"instead"`
}

// Pins are the rollbacks, by filter. The values are immutable: a change makes another map.
type Pins map[string]Pin

// RollBack returns the pins after a rollback of a filter to a revision. described is the id of the
// revision that the spec describes: a rollback to that revision ends the rollback.
func (p Pins) RollBack(name string, to *snapshot.Revision, described string) Pins {
	next := maps.Clone(p)
	if next == nil {
		next = Pins{}
	}
	if to.ID == described {
		delete(next, name)
	} else {
		next[name] = Pin{Revision: to, Instead: described}
	}
	return next
}

// Described is the id of the revision that the spec of a wanted filter describes, even during a
// rollback; "": no spec describes one.
func (p Pins) Described(wanted *snapshot.Filter) string {
	switch pin, pinned := p[wanted.Name]; {
	case wanted.Removed || wanted.Revision == nil:
		return ""
	case pinned:
		return pin.Instead
	default:
		return wanted.Revision.ID
	}
}
