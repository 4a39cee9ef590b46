package delivery

import (
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/mask"
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

// masks hides the secrets of filters. It keeps the last filter's, since many Envoys may refuse one
// revision. The zero value is ready to use.
type masks struct {
	of   []*snapshot.Revision
	mask mask.Mask
}

// redact keeps the cause of a NACK and drops parts that may echo the plugin's configuration: its
// text and values in each revision of the filter, and everything from a dumped message on. A NACK
// of a stand-in may quote the revision that the Envoy had before.
func (m *masks) redact(message string, of []*snapshot.Revision) string {
	return shorten(m.withoutSecrets(begin(message), of))
}

// withoutSecrets hides the configurations of revisions, and the values of their variables.
func (m *masks) withoutSecrets(message string, of []*snapshot.Revision) string {
	if !slices.Equal(m.of, of) {
		var b mask.Builder
		for _, r := range of {
			b.Config(r.Config, r.ConfigType)
			b.Config(r.VM.Config, r.VM.ConfigType)
			for _, value := range r.VM.Env {
				b.Value(value)
			}
		}
		m.of, m.mask = of, b.Mask()
	}
	return m.mask.Hide(message)
}

// searched bounds the part of a message that is searched for secrets, in bytes.
const searched = 16 << 10

// begin returns the part of a message that is searched, without a word that is cut.
func begin(message string) string {
	if len(message) <= searched {
		return message
	}
	message = message[:searched]
	return message[:strings.LastIndexAny(message, " \n")+1]
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
