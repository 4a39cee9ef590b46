package api

import "time"

// RolloutState is the progress of a rollout.
type RolloutState string

// The rollout states. Later versions may add more.
const (
	RolloutProgressing RolloutState = "progressing" // Envoys get the revision
	RolloutWaiting     RolloutState = "waiting"     // the remaining Envoys wait for the answers of those in WaitsFor
	RolloutStopped     RolloutState = "stopped"     // the rollout has ended early; the filter's Error has the reason
)

// RolloutStatus is the progress of a revision on its way to all Envoys.
type RolloutStatus struct {
	Revision string       `json:"revision"` // Candidate, or Stable while it is new to a version of Envoy
	State    RolloutState `json:"state"`
	// Promoted: a user has made the rollout continue without the spec's canaries.
	Promoted bool `json:"promoted"`
	// WaitsFor are the Envoys that delay the rollout, at most 20. It is never null.
	WaitsFor []RolloutWait `json:"waitsFor"`
}

// RolloutWait is a reason for a rollout's wait, nearly always an Envoy.
type RolloutWait struct {
	Node  string `json:"node"`  // its id; "": no Envoy in particular
	Envoy string `json:"envoy"` // its version; "": not known
	// Reason is canary_loads, canary_fetches, canary_next, no_answer, canary_lost,
	// server_restarted or no_canary_matches. Later versions may add more.
	Reason  string    `json:"reason"`
	Message string    `json:"message"` // for people, with all of the above
	Since   time.Time `json:"since"`
	// Until is when the rollout continues without this Envoy; absent: no such time.
	Until time.Time `json:"until,omitzero"`
}
