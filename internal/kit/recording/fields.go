package recording

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wasm-xds/wasm-xds/internal/mask"
)

// Masking says which values are secret.
type Masking struct {
	// Mask and Keep are names of further headers and fields with secrets, and of those without, in
	// lower case. Keep counts first.
	Mask, Keep []string
	// Query masks all values in the query of each path.
	Query bool
	// Spec hides the secrets of the spec.
	Spec mask.Mask

	values map[string]string // the placeholder of each secret
	masked map[string]bool   // names of headers and fields
}

// secretNames match the headers and fields that carry secrets by their names.
var secretNames = regexp.MustCompile(`^(authorization|proxy-authorization|cookie|set-cookie|x-forwarded-client-cert|pin|otp|jwt|sig)$|` +
	`api[-_]?key|private[-_]?key|secret|passw|passphrase|pwd|credential|session|signature|token$|[-_]auth$|card[-_]?number`)

// isSecret says whether a header or a field with a name carries a secret. The name is in lower
// case.
func (m *Masking) isSecret(name string) bool {
	return !slices.Contains(m.Keep, name) && (slices.Contains(m.Mask, name) || secretNames.MatchString(name))
}

// hasQuery says whether the value of a header is a path or a URL.
func hasQuery(name string) bool { return name == ":path" || name == "referer" || name == "location" }

// query masks values in the query of a path.
func (m *Masking) query(path string, found *secrets) string {
	before, query, ok := strings.Cut(path, "?")
	if !ok {
		return path
	}
	return before + "?" + m.form(query, found, m.Query)
}

// form masks values of a form; all: all of them.
func (m *Masking) form(text string, found *secrets, all bool) string {
	parts := strings.Split(text, "&")
	for i, part := range parts {
		name, value, has := strings.Cut(part, "=")
		lower := strings.ToLower(unescaped(name))
		if !has || value == "" || !all && !m.isSecret(lower) {
			continue
		}
		found.add(value)
		found.add(unescaped(value))
		parts[i] = name + "=" + m.placeholder(lower, unescaped(value))
	}
	return strings.Join(parts, "&")
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// The fields of JSON and of forms, also within other texts.
var (
	jsonField = regexp.MustCompile(`("(?:[^"\\]|\\.)*")(\s*:\s*)("(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)`)
	formBody  = regexp.MustCompile(`^[A-Za-z0-9_.%\[\]+~-]+=[^\s]*$`)
)

// fields masks the fields of a body that carry secrets by their names.
func (m *Masking) fields(body string, found *secrets) string {
	if formBody.MatchString(body) {
		return m.form(body, found, false)
	}
	return jsonField.ReplaceAllStringFunc(body, func(field string) string {
		parts := jsonField.FindStringSubmatch(field)
		name := strings.ToLower(unquoted(parts[1]))
		value := unquoted(parts[3])
		if !m.isSecret(name) || value == "" {
			return field
		}
		found.add(value)
		found.add(strings.Trim(parts[3], `"`))
		return parts[1] + parts[2] + `"` + m.placeholder(name, value) + `"`
	})
}

// unquoted is the text of a JSON string. Another text stays as it is.
func unquoted(text string) string {
	var plain string
	if json.Unmarshal([]byte(text), &plain) != nil {
		return text
	}
	return plain
}

// binary says whether a message has a body that is no text, or is compressed.
func binary(m *Message) bool {
	encoding := m.Headers.Get("content-encoding")
	return m.Body != "" && (encoding != "" && encoding != "identity" || !utf8.ValidString(m.Body) || strings.Contains(m.Body, "\x00"))
}

// placeholder is the text in place of the value of a header or a field.
func (m *Masking) placeholder(name, value string) string {
	m.masked[name] = true
	if _, known := m.values[value]; !known {
		m.values[value] = fmt.Sprintf("masked-%d", len(m.values)+1)
	}
	return m.values[value]
}

// leastSecret is the length of the shortest secret that is looked for in other places.
const leastSecret = 6

// secrets are the secrets of one exchange.
type secrets []string

func (s *secrets) add(secret string) {
	if len(secret) >= leastSecret {
		*s = append(*s, secret)
	}
}
