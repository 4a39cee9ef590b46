package rollout

import (
	"slices"
	"time"
)

// Hold is a pause of a rollout, or a freeze of the server. Immutable.
type Hold struct {
	By     string    `json:"by,omitempty"` // the user; "": not known
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// Hand is a deed of a user, for the record. Immutable.
type Hand struct {
	Did      string    `json:"did"` // pause, resume, promote, abort, retry, rollback, pin or unpin
	Revision string    `json:"revision,omitempty"`
	By       string    `json:"by,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
}

// Hands are the last deeds of users, the newest first. A memory shares the list, so it is replaced
// and never changed.
type Hands []Hand

// handsKept is how many deeds of users a filter remembers.
const handsKept = 20

// Note remembers a deed of a user.
func (all *Hands) Note(h Hand) {
	h.At = h.At.UTC().Round(0)
	more := slices.Insert(slices.Clone(*all), 0, h)
	*all = more[:min(len(more), handsKept)]
}
