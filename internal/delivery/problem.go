package delivery

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Problem is a fault that a status shows.
type Problem struct {
	Code     string // one of the Code constants
	Message  string
	Hint     string
	Revision string // the revision the problem is about; may be empty
}

// The codes of problems. They are part of the API.
const (
	CodeRejected         = "rejected_by_envoy"
	CodeCanaryLost       = "canary_lost"
	CodeUnknownFilter    = "unknown_filter"
	CodeNotSelected      = "node_not_selected"
	CodeNotAllowed       = "not_allowed"
	CodeWrongType        = "wrong_filter_type"
	CodeRuntimeMissing   = "runtime_missing"
	CodeNothingToServe   = "nothing_to_serve"
	CodeWaitsForCanary   = "waits_for_canary"
	CodeNoAnswer         = "no_answer"
	CodeFetchFailed      = "module_not_fetched"
	CodeFileUnreadable   = "module_file_unreadable"
	CodeModuleUnreadable = "module_unreadable"
	CodeKept             = "spec_removed"
	CodeEnvoyTooOld      = "envoy_too_old"
	CodeUnhealthy        = "unhealthy"
	CodeAborted          = "rollout_aborted"
	CodeOverdue          = "rollout_overdue"
)

func equalProblem(a, b *Problem) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

func rejectedProblem(r *snapshot.Revision, envoy, message string) *Problem {
	if envoy == "" {
		envoy = "(version unknown)"
	}
	return &Problem{
		Code:     CodeRejected,
		Revision: r.ID,
		Message:  fmt.Sprintf("Envoy %s refused revision %s: %s", envoy, r.ID, message),
		Hint:     "the reason is in that Envoy's log, next to the filter's name; fix the module or its configuration: the last good revision serves until then",
	}
}

// tooOldProblem says which settings of r an Envoy is too old for.
func tooOldProblem(r *snapshot.Revision, envoy string, losses []snapshot.Loss) *Problem {
	told, settings := make([]string, len(losses)), make([]string, len(losses))
	for i, l := range losses {
		told[i], settings[i] = l.String(), string(l.Setting)
	}
	return &Problem{
		Code:     CodeEnvoyTooOld,
		Revision: r.ID,
		Message:  fmt.Sprintf("Envoy %s is too old for revision %s: %s", envoy, r.ID, strings.Join(told, "; ")),
		Hint: fmt.Sprintf("upgrade that Envoy, change the spec, or serve it there all the same with `acceptLoss: [%s]` in the spec",
			strings.Join(settings, ", ")),
	}
}

// lostProblem says which nodes were lost with r, and how often.
func lostProblem(r *snapshot.Revision, envoy string, by map[string]int) *Problem {
	losses, words := 0, make([]string, 0, len(by))
	for _, node := range sortedKeys(by) {
		losses += by[node]
		words = append(words, fmt.Sprintf("%s (%d)", quoted(node), by[node]))
	}
	const most = 5
	if more := len(words) - most; more > 0 {
		words = append(words[:most], fmt.Sprintf("%d more", more))
	}
	return &Problem{
		Code:     CodeCanaryLost,
		Revision: r.ID,
		Message: fmt.Sprintf("Envoys of version %s lost their stream, or fell silent, %d times in a row while they loaded revision %s: %s",
			cmp.Or(envoy, "(unknown)"), losses, r.ID, strings.Join(words, ", ")),
		Hint: "look for a crash in that Envoy's log; an edit of the module or its configuration starts a new rollout, `wasm-xds retry` tries this revision again",
	}
}

// quoted is a node's id as messages name it.
func quoted(node string) string { return cmp.Or(node, "(no node id)") }

// unreachedProblem is the problem of an unreached Envoy and of its filters.
func unreachedProblem() *Problem {
	return &Problem{
		Code:    CodeFetchFailed,
		Message: "no GET for a module arrives from this Envoy; modules are sent inline",
		Hint:    "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address; the first GET ends this",
	}
}
