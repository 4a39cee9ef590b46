package rollout

import "time"

// Hold is a pause of a rollout, or a freeze of the server. Immutable.
type Hold struct {
	By     string    `json:"by,omitempty"` // the user; "": not known
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}
