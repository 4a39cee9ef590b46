package api

import "time"

// RolloutState is the progress of a rollout.
type RolloutState string

// The rollout states. Later versions may add more.
const (
	RolloutProgressing RolloutState = "progressing" // Envoys get the revision
	RolloutWaiting     RolloutState = "waiting"     // the remaining Envoys wait for the answers of those in WaitsFor
	RolloutStopped     RolloutState = "stopped"     // the rollout has ended early; the filter's Error has the reason
	RolloutSoaking     RolloutState = "soaking"     // the wave's Envoys run the revision, and the soak or the health look is not over
	RolloutPaused      RolloutState = "paused"      // a user, or `pause` in the spec, holds the rollout
	RolloutFrozen      RolloutState = "frozen"      // the freeze of the server holds the rollout
	RolloutWatching    RolloutState = "watching"    // all Envoys get the revision, and bad health still takes it back
)

// RolloutStatus is the progress of a revision on its way to all Envoys.
type RolloutStatus struct {
	Revision string       `json:"revision"` // Candidate, or Stable while it is new to a version of Envoy
	State    RolloutState `json:"state"`
	// Promoted: a user has made the rollout continue without the spec's canaries.
	Promoted bool `json:"promoted"`
	// WaitsFor are the Envoys that delay the rollout, at most 20. It is never null.
	WaitsFor []RolloutWait `json:"waitsFor"`
	// Wave is the index in Waves of the wave under way.
	Wave int `json:"wave"`
	// Waves are the waves of the rollout in their order; the last wave is "all". It is never null.
	Waves []RolloutWave `json:"waves"`
	// Paused is the pause of the rollout; null: the rollout is not paused.
	Paused *RolloutHold `json:"paused"`
	// Frozen is the freeze of the server; null: no freeze holds the rollout.
	Frozen *RolloutHold `json:"frozen"`
	// Deadline is when the wave is overdue; absent: the wave has no deadline, or its time stands
	// still because the rollout is paused or frozen.
	Deadline time.Time `json:"deadline,omitzero"`
	// Overdue: the deadline has passed.
	Overdue bool `json:"overdue"`
	// WatchUntil is the end of the watch after the promotion; absent: no watch is under way.
	WatchUntil time.Time `json:"watchUntil,omitzero"`
	// Health is the last look at the health of the revision; null: the spec has no `health`.
	Health *RolloutHealth `json:"health"`
}

// RolloutWait is a reason for a rollout's wait, nearly always an Envoy.
type RolloutWait struct {
	Node  string `json:"node"`  // its id; "": no Envoy in particular
	Envoy string `json:"envoy"` // its version; "": not known
	// Reason is canary_loads, canary_fetches, canary_next, no_answer, canary_lost,
	// server_restarted, no_canary_matches or no_evidence. Later versions may add more.
	Reason  string    `json:"reason"`
	Message string    `json:"message"` // for people, with all of the above
	Since   time.Time `json:"since"`
	// Until is when the rollout continues without this Envoy; absent: no such time.
	Until time.Time `json:"until,omitzero"`
}

// WaveState is the progress of a wave.
type WaveState string

// The wave states. Later versions may add more.
const (
	WaveWaiting     WaveState = "waiting"     // an earlier wave is not over
	WaveProgressing WaveState = "progressing" // the wave's Envoys get the revision
	WaveSoaking     WaveState = "soaking"     // they run the revision, and the soak or the health look is not over
	WavePassed      WaveState = "passed"      // the next wave has begun, or the rollout is over
	WaveFailed      WaveState = "failed"      // the rollout has stopped in this wave
	WavePaused      WaveState = "paused"      // a user, the spec or a freeze holds the rollout
	WaveEnded       WaveState = "ended"       // in the history: a user or another content has ended the rollout in this wave
)

// RolloutWave is a group of Envoys that get a revision together. Each wave includes the Envoys of
// the waves before.
type RolloutWave struct {
	Name   string    `json:"name"`   // canary, 10%, 5 or all
	Envoys int       `json:"envoys"` // how many Envoys the wave should have
	Live   int       `json:"live"`   // how many of them run the revision
	State  WaveState `json:"state"`
	Since  time.Time `json:"since,omitzero"` // absent: the wave has not begun
	// SoakUntil is when the soak ends if all Envoys of the wave stay connected; absent: the wave
	// has no soak, or does not soak now.
	SoakUntil time.Time `json:"soakUntil,omitzero"`
	PassedAt  time.Time `json:"passedAt,omitzero"` // absent: the wave is not over
}

// RolloutHold is a pause or a freeze.
type RolloutHold struct {
	By     string    `json:"by"` // the name of the token of the user; "": not known
	At     time.Time `json:"at"`
	Reason string    `json:"reason"` // "": none was given
}

// HealthOutcome is the outcome of a look at the health of a revision.
type HealthOutcome string

// The health outcomes.
const (
	HealthUnknown    HealthOutcome = "unknown"     // there was no look yet
	HealthGood       HealthOutcome = "good"        // the Envoys with the revision are as well as the others
	HealthBad        HealthOutcome = "bad"         // they are worse: the rollout goes back
	HealthNoEvidence HealthOutcome = "no_evidence" // the figures do not suffice to tell: too few requests, or a difference that can be chance
	HealthSourceLost HealthOutcome = "source_lost" // the figures do not arrive any more
)

// RolloutHealth is a look at the health of a revision.
type RolloutHealth struct {
	Outcome     HealthOutcome      `json:"outcome"`
	Message     string             `json:"message"`     // for people, with the figures; "": no look yet
	At          time.Time          `json:"at,omitzero"` // of the look; absent: no look yet
	Comparisons []HealthComparison `json:"comparisons"` // never null
}

// HealthComparison is one figure of a look: the Envoys with the revision beside the others.
type HealthComparison struct {
	Name    string        `json:"name"` // traps, bypassed, 5xx, 4xx, p50, p99, heap, memory, metric:NAME or prometheus
	Canary  float64       `json:"canary"`
	Stable  float64       `json:"stable"`
	Unit    string        `json:"unit"`  // %, ms, B, or "" for a number
	Limit   float64       `json:"limit"` // the largest value of Canary; for heap and memory, of its growth
	Outcome HealthOutcome `json:"outcome"`
	Message string        `json:"message"`
}

// Freeze is the freeze of the server, as GET /api/v1/freeze answers: no revision goes to further
// Envoys, except revisions that all Envoys ran before.
type Freeze struct {
	Frozen bool `json:"frozen"`
	// By, At and Reason describe the freeze. By is the name of the token of the user.
	By     string    `json:"by"`
	At     time.Time `json:"at,omitzero"`
	Reason string    `json:"reason"`
}

// FreezeBody is the body of POST /api/v1/freeze.
type FreezeBody struct {
	Reason string `json:"reason"`
}

// HoldBody is the body of a request that pauses or aborts a rollout.
type HoldBody struct {
	Reason string `json:"reason,omitempty"` // for the record
}
