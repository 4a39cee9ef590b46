package delivery

import (
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

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
