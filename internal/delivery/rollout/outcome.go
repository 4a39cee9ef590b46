package rollout

import "time"

// Outcome is the outcome of a look at the health of a revision. The zero value is [Unknown].
type Outcome uint8

// The outcomes.
const (
	Unknown    Outcome = iota // nobody has looked yet
	Good                      // the Envoys with the revision are as well as the others
	Bad                       // they are worse
	NoEvidence                // the figures do not suffice to tell
	SourceLost                // the figures do not arrive any more
)

// String is the outcome as the API has it.
func (o Outcome) String() string {
	return [...]string{"unknown", "good", "bad", "no_evidence", "source_lost"}[o]
}

// Look is the last look at the health of a revision.
type Look struct {
	Outcome Outcome   `json:"outcome"`
	Reason  string    `json:"reason,omitempty"` // one sentence with the figures
	At      time.Time `json:"at"`
}
