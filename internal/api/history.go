package api

import "time"

// RevisionState is the standing of a filter's revision.
type RevisionState string

// The revision states. Later versions may add more.
const (
	RevisionActive    RevisionState = "active"    // Envoys get the revision
	RevisionCandidate RevisionState = "candidate" // the revision is rolling out
	RevisionStable    RevisionState = "stable"    // the last revision known to load, and not served now
	RevisionRejected  RevisionState = "rejected"  // Envoy refused; Error has the reason
	RevisionEarlier   RevisionState = "earlier"   // was wanted before
)

// History is a filter's revisions, as GET /api/v1/filters/{name}/history answers.
type History struct {
	Name     string `json:"name"`
	Rollback string `json:"rollback"` // the revision for a rollback without a name; "": none
	Error    *Error `json:"error"`    // of the filter
	// Revisions that are kept, the last wanted revision first.
	Revisions []Revision `json:"revisions"`
}

// Revision is a revision in a filter's history.
type Revision struct {
	Revision string        `json:"revision"` // 12 hex digits
	State    RevisionState `json:"state"`
	Wanted   bool          `json:"wanted"` // the spec describes this revision now
	// Since is when the revision became wanted for the last time; absent: not recorded.
	Since time.Time `json:"since,omitzero"`
	// ServedSeconds is how long all Envoys got the revision, until now or until the next
	// revision.
	ServedSeconds int64 `json:"servedSeconds"`
	// Changes are the keys that differ from the next revision in the list, as config.realm; never
	// values. Absent: there is no next revision.
	Changes  []string `json:"changes,omitempty"`
	Module   Module   `json:"module"`
	SpecFile string   `json:"specFile"` // of the revision's spec; "": not recorded
	Error    *Error   `json:"error"`    // the reason of an Envoy's refusal; null: no refusal
}
