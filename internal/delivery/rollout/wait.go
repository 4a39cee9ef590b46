package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Reason is the reason for which a rollout waits. The words are part of the API.
type Reason string

// The reasons to wait. Later versions may add reasons.
const (
	WaitAnswer  Reason = "canary_loads"      // the canary was sent the revision, and has not answered yet
	WaitFetch   Reason = "canary_fetches"    // the canary fetches the module
	WaitTurn    Reason = "canary_next"       // the canary is sent the revision as soon as the stream is free
	WaitSilent  Reason = "no_answer"         // the canary was sent the revision, and the answer is overdue
	WaitBack    Reason = "canary_lost"       // the stream ended before the answer: the canary may have crashed
	WaitRestart Reason = "server_restarted"  // the server ended before the answer was known
	WaitMatch   Reason = "no_canary_matches" // no connected Envoy matches `rollout.canary`
	WaitAway    Reason = "canary_away"       // the Envoy runs the revision, and its stream has ended
	WaitFleet   Reason = "fleet_away"        // the server has restarted, and not all Envoys are back
	WaitHealth  Reason = "no_evidence"       // the figures do not suffice to tell the health of the revision
	WaitSource  Reason = "source_lost"       // the figures about the health do not arrive
	WaitLook    Reason = "health_look"       // nobody has looked at the health yet
)

// Words are the reason in words, about an Envoy.
func (r Reason) Words() string {
	switch r {
	case WaitAnswer:
		return "loads it, and has not answered yet"
	case WaitFetch:
		return "fetches the module"
	case WaitTurn:
		return "is sent it as soon as its stream is free"
	case WaitSilent:
		return "does not answer"
	case WaitBack:
		return "lost its stream before it answered"
	case WaitRestart:
		return "was sent it before the server restarted, and is not back"
	case WaitMatch:
		return "none is connected that `rollout.canary` names"
	case WaitAway:
		return "runs it, and its stream has ended"
	case WaitFleet:
		return "the Envoys of before the restart are not all back"
	case WaitHealth:
		return "there is not enough evidence about its health yet"
	case WaitSource:
		return "the figures about its health do not arrive"
	case WaitLook:
		return "its health is looked at"
	default:
		return string(r)
	}
}

// Wait is an Envoy that a rollout waits for.
type Wait struct {
	Node   string // the node id; "" with WaitMatch and the waits for the fleet and for health
	Envoy  string // the Envoy version; "": not known
	Reason Reason
	Since  time.Time
	Until  time.Time // when the rollout goes on without the Envoy; zero: never
}

// SlowAfter is how long a canary may take before the wait is worth a report.
const SlowAfter = 3 * time.Second

// WaitsShown bounds the waits of a status.
const WaitsShown = 20

// IsUsual says whether every rollout has this wait for a moment.
func (w Wait) IsUsual(now time.Time) bool {
	switch w.Reason {
	case WaitAnswer, WaitFetch, WaitTurn:
		return now.Sub(w.Since) < SlowAfter
	default:
		return false
	}
}

// SortWaits sorts waits by node.
func SortWaits(all []Wait) {
	slices.SortFunc(all, func(a, b Wait) int {
		return cmp.Or(strings.Compare(a.Node, b.Node), a.Since.Compare(b.Since))
	})
}
