package desired

import (
	"maps"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Pin is a rollback: Revision is served for as long as the spec describes Instead.
// See docs/RATIONALE.md#how-long-does-a-rollback-hold.
type Pin struct {
	Revision *snapshot.Revision `json:"revision"`
	Instead  string             `json:"instead"`
	// Pinned says the rollback holds whatever the spec describes, until it is unpinned.
	Pinned bool      `json:"pinned,omitempty"`
	By     string    `json:"by,omitempty"` // the user; "": not known
	At     time.Time `json:"at,omitzero"`
}

// Pins are the rollbacks, by filter. The values are immutable: a change makes another map.
type Pins map[string]Pin

// RollBack returns the pins after a rollback of a filter to a revision. Instead of the pin is the
// id of the revision that the spec describes: a rollback to that revision ends the rollback, unless
// it is pinned.
func (p Pins) RollBack(name string, to *snapshot.Revision, pin Pin) Pins {
	next := maps.Clone(p)
	if next == nil {
		next = Pins{}
	}
	if to.ID == pin.Instead && !pin.Pinned {
		delete(next, name)
	} else {
		pin.Revision = to
		next[name] = pin
	}
	return next
}

// Without returns the pins without the rollback of a filter.
func (p Pins) Without(name string) Pins {
	next := maps.Clone(p)
	delete(next, name)
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
