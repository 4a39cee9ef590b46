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
	RevisionRecorded  RevisionState = "recorded"  // was wanted before; only the record has it: it cannot be served again
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

	// The following fields are of the record. Each is absent if the record does not have it.

	// File is the path of the spec within its git checkout, or else SpecFile. Commit is the commit
	// of the checkout.
	File   string  `json:"file,omitempty"`
	Commit *Commit `json:"commit,omitempty"`
	// Previous is the revision that was wanted before, and Diff the lines of the spec that differ
	// from it: each is a key and its value, with - or + before it. Secrets are hidden.
	Previous string   `json:"previous,omitempty"`
	Diff     []string `json:"diff,omitempty"`
	// Outcome says how the rollout went, and Reason why it ended early. LiveAt is when all Envoys
	// got the revision, and EndedAt when another revision or the former one took its place.
	Outcome RevisionOutcome `json:"outcome,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	LiveAt  time.Time       `json:"liveAt,omitzero"`
	EndedAt time.Time       `json:"endedAt,omitzero"`
	// Waves are the waves of the rollout, and Figures the last look at the health.
	Waves   []RolloutWave      `json:"waves,omitempty"`
	Figures []HealthComparison `json:"figures,omitempty"`
	// Refusals are of Envoys, the newest first. By are the actions of users, the oldest first.
	Refusals []Refusal `json:"refusals,omitempty"`
	By       []Action  `json:"by,omitempty"`
	// Before are the earlier times at which the revision was wanted, the newest first.
	Before []RevisionTurn `json:"before,omitempty"`
}

// RevisionOutcome says how the rollout of a revision went.
type RevisionOutcome string

// The outcomes. Later versions may add more.
const (
	OutcomeRollingOut RevisionOutcome = "rolling_out"
	OutcomeLive       RevisionOutcome = "live"        // all Envoys get the revision
	OutcomeReplaced   RevisionOutcome = "replaced"    // the revision was live until another one was
	OutcomeSuperseded RevisionOutcome = "superseded"  // another revision was wanted before this one was live
	OutcomeRolledBack RevisionOutcome = "rolled_back" // a user has rolled back from the revision
	OutcomeAborted    RevisionOutcome = "aborted"     // a user has ended the rollout
	OutcomeRefused    RevisionOutcome = "refused"     // an Envoy has refused the revision
	OutcomeUnhealthy  RevisionOutcome = "unhealthy"   // the figures of Envoys were bad, and the revision was taken back
	OutcomeStopped    RevisionOutcome = "stopped"     // the rollout has stopped for another reason
)

// IsOpen reports whether the server still serves or rolls out the revision.
func (o RevisionOutcome) IsOpen() bool { return o == OutcomeRollingOut || o == OutcomeLive }

// Commit is the commit of a git checkout, as it was when a revision became wanted.
type Commit struct {
	ID string `json:"id"` // 40 or 64 hex digits
	// Dirty reports that the spec's file differed from the commit, or was not part of it.
	Dirty bool `json:"dirty"`
}

// Refusal is an Envoy's refusal of a revision.
type Refusal struct {
	At      time.Time `json:"at"`
	Node    string    `json:"node"`    // "": no node id
	Message string    `json:"message"` // of the Envoy, without secrets
}

// Action is an action of a user on a revision.
type Action struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"` // promote, pause, resume, abort, retry, rollback and the like
	By     string    `json:"by"`     // the name of the user's token, or the place of the request; "": not known
	Reason string    `json:"reason,omitempty"`
}

// RevisionTurn is a time at which a revision was wanted.
type RevisionTurn struct {
	Since   time.Time       `json:"since"`
	LiveAt  time.Time       `json:"liveAt,omitzero"`
	EndedAt time.Time       `json:"endedAt,omitzero"`
	Outcome RevisionOutcome `json:"outcome"`
}

// Diff is the difference between two revisions of a filter, as GET /api/v1/filters/{name}/diff
// answers.
type Diff struct {
	Name string   `json:"name"`
	From Revision `json:"from"`
	To   Revision `json:"to"`
	// Diff are the lines of the spec that differ: each is a key and its value, with - or + before
	// it. Secrets are hidden. It is never null.
	Diff []string `json:"diff"`
	// ImportsAdded and ImportsRemoved are the functions that only the module of To or of From
	// imports. Both are never null.
	ImportsAdded   []string `json:"importsAdded"`
	ImportsRemoved []string `json:"importsRemoved"`
	// Incomplete says why the difference may lack lines; "": it is complete.
	Incomplete string `json:"incomplete,omitempty"`
}
