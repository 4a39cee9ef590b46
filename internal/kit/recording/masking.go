package recording

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/mask"
)

// secretNames match the headers that carry secrets by their names.
var secretNames = regexp.MustCompile(`^(authorization|proxy-authorization|cookie|set-cookie|token|password)$|api-?key|secret|passw|credential|session|signature|[-_]token$|^x-forwarded-client-cert$|[-_]auth$`)

// Masking says which values are secret.
type Masking struct {
	// Mask and Keep are names of further headers with secrets, and of headers without, in lower
	// case. Keep counts first.
	Mask, Keep []string
	// Query masks the values in the query of each path.
	Query bool
	// Spec hides the secrets of the spec.
	Spec mask.Mask

	values map[string]string // the placeholder of each secret
	masked map[string]bool   // names of headers
}

// Masked are the names of the headers with a masked value so far, sorted.
func (m *Masking) Masked() []string {
	var names []string
	for name := range m.masked {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// leastSecret is the length of the shortest secret that is looked for in other places.
const leastSecret = 6

// Hide returns an exchange without secrets. A secret has the same placeholder at all places, so
// that equal values stay equal.
func (m *Masking) Hide(e Exchange) Exchange {
	if m.values == nil {
		m.values, m.masked = map[string]string{}, map[string]bool{}
	}
	messages := []*Message{&e.Request, &e.Upstream, &e.Response, &e.Client}
	secrets := []string{}
	for _, message := range messages {
		for _, h := range *message {
			if m.isSecret(h.Name) && h.Value != "" {
				m.masked[h.Name] = true
				secrets = append(secrets, h.Value)
				if _, known := m.values[h.Value]; !known {
					m.values[h.Value] = fmt.Sprintf("masked-%d", len(m.values)+1)
				}
				if _, bare, ok := strings.Cut(h.Value, " "); ok { // Bearer …
					secrets = append(secrets, bare)
				}
			}
		}
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, message := range messages {
		*message = m.hide(*message, secrets)
	}
	return e
}

func (m *Masking) isSecret(name string) bool {
	return !slices.Contains(m.Keep, name) && (slices.Contains(m.Mask, name) || secretNames.MatchString(name))
}

func (m *Masking) hide(message Message, secrets []string) Message {
	if message == nil {
		return nil
	}
	out := Message{}
	for _, h := range message {
		switch {
		case m.isSecret(h.Name) && h.Value != "":
			h.Value = m.values[h.Value]
		default:
			for _, secret := range secrets {
				if len(secret) >= leastSecret && strings.Contains(h.Value, secret) {
					h.Value = strings.ReplaceAll(h.Value, secret, "masked")
				}
			}
			if h.Name == ":path" || h.Name == "referer" || h.Name == "location" {
				h.Value = m.query(h.Value)
			}
			h.Value = m.Spec.Hide(h.Value)
		}
		out = append(out, h)
	}
	return out
}

// query masks the values in the query of a path.
func (m *Masking) query(path string) string {
	before, query, ok := strings.Cut(path, "?")
	if !m.Query || !ok {
		return path
	}
	parts := strings.Split(query, "&")
	for i, part := range parts {
		if name, _, has := strings.Cut(part, "="); has {
			parts[i] = name + "=masked"
		}
	}
	return before + "?" + strings.Join(parts, "&")
}
