package ledger

import "time"

// Wish is the time when a revision became wanted, and the facts kept with it. Immutable.
// See docs/RATIONALE.md#which-time-does-a-history-show.
type Wish struct {
	Revision string    `json:"revision"`
	At       time.Time `json:"at"` // the last time, if there were several
	SpecFile string    `json:"specFile,omitempty"`
	// Served is how long the revision was stable, up to its last replacement.
	Served time.Duration `json:"served,omitempty"`
	// Tried says the revision was never stable. False in files of older versions.
	Tried bool `json:"tried,omitempty"`
}
