package delivery

import (
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
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

// Parts of the two filters' type URLs, as they appear in NACKs.
const (
	httpInText    = ".filters.http."
	networkInText = ".filters.network."
)

// expectedType reads from a NACK the type the Envoy asked for; "": the text is about something
// else. Envoy's words are: `filter config has type URL X but expect Y`.
func expectedType(message string) spec.Type {
	_, expectation, ok := strings.Cut(message, "has type URL")
	if !ok {
		return ""
	}
	if _, after, found := strings.Cut(expectation, "expect"); found {
		expectation = after
	} else {
		return ""
	}
	network, http := strings.Contains(expectation, networkInText), strings.Contains(expectation, httpInText)
	switch {
	case network && !http:
		return spec.Network
	case http && !network:
		return spec.HTTP
	default:
		return ""
	}
}

// invalidPath recognises Envoy's NACK of an unreadable code file.
func invalidPath(message string) bool {
	return strings.Contains(message, "Invalid path") || strings.Contains(message, "unable to read file") ||
		strings.Contains(message, "file_system") || strings.Contains(message, "No such file or directory")
}

const messageLimit = 300

// redact keeps the cause of a NACK and drops parts that may echo the plugin's configuration: the
// configuration's own text, and everything from a dumped message on.
func redact(message string, r *snapshot.Revision) string {
	return shorten(withoutSecrets(message, r))
}

func withoutSecrets(message string, r *snapshot.Revision) string {
	for _, secret := range []*string{r.Config, r.VM.Config} {
		if secret != nil && len(*secret) > 2 {
			message = strings.ReplaceAll(message, *secret, "…")
		}
	}
	return message
}

func shorten(message string) string {
	if i := strings.IndexAny(message, "{\n"); i >= 0 {
		message = strings.TrimSpace(message[:i]) + " …"
	}
	if len(message) > messageLimit {
		message = strings.ToValidUTF8(message[:messageLimit], "") + " …"
	}
	if message == "" {
		return "no reason given"
	}
	return message
}
