package recording

import (
	"slices"
	"strings"
)

// Masked are the names of the headers and fields with a masked value so far, sorted.
func (m *Masking) Masked() []string {
	var names []string
	for name := range m.masked {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Hide returns an exchange without secrets. A secret has the same placeholder at all places, so
// that equal values stay equal. A body that is no text cannot be masked: Hide removes it.
func (m *Masking) Hide(e Exchange) Exchange {
	if m.values == nil {
		m.values, m.masked = map[string]string{}, map[string]bool{}
	}
	e = clone(e)
	if slices.ContainsFunc(e.messages(), binary) {
		e.withoutBodies(GapBinary)
	}
	var found secrets
	for _, message := range e.messages() {
		for _, h := range slices.Concat(message.Headers, message.Trailers) {
			m.note(&found, h)
		}
		message.Body = m.fields(message.Body, &found)
	}
	found.sort()
	for _, message := range e.messages() {
		for _, list := range []Headers{message.Headers, message.Trailers} {
			for i, h := range list {
				list[i].Value = m.hide(h, found)
			}
		}
		message.Body = m.Spec.Hide(found.hide(message.Body))
	}
	return e
}

// clone copies the messages of an exchange.
func clone(e Exchange) Exchange {
	for _, m := range []**Message{&e.Upstream, &e.Response} {
		if *m != nil {
			copied := **m
			*m = &copied
		}
	}
	for _, m := range e.messages() {
		m.Headers, m.Trailers = slices.Clone(m.Headers), slices.Clone(m.Trailers)
	}
	return e
}

// sort puts the longest secret first: a secret may be part of another one.
func (s secrets) sort() {
	slices.SortFunc(s, func(a, b string) int { return len(b) - len(a) })
}

func (s secrets) hide(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "masked")
	}
	return text
}

// note keeps the secrets of a header.
func (m *Masking) note(found *secrets, h Header) {
	if hasQuery(h.Name) {
		_ = m.query(h.Value, found)
		return
	}
	if !m.isSecret(h.Name) || h.Value == "" {
		return
	}
	_ = m.placeholder(h.Name, h.Value)
	found.add(h.Value)
	if _, bare, ok := strings.Cut(h.Value, " "); ok { // Bearer …
		found.add(bare)
	}
}

// hide is the value of a header without secrets.
func (m *Masking) hide(h Header, found secrets) string {
	if m.isSecret(h.Name) && h.Value != "" {
		return m.placeholder(h.Name, h.Value)
	}
	value := h.Value
	if hasQuery(h.Name) {
		value = m.query(value, &secrets{})
	}
	return m.Spec.Hide(found.hide(value))
}
