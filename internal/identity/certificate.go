// Package identity binds Envoys to their client certificates. The package is pure.
//
// A certificate proves names of a client: the URIs and DNS names among the subject alternative
// names (SANs). In requests, the client claims to be a node of a cluster.
// [Rules.Decide] compares the claim with the names, and returns a [Grant] or a [Refusal].
//
// Without rules, the node id must be among the SANs. Rules map SANs to node ids, clusters and names
// of filters. docs/security.md has their format, with examples.
//
// certificate.go has the certificates, pattern.go the patterns, refusal.go the refusals, rules.go
// reads the rules, and decide.go decides.
package identity

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Certificate is the names of a client, from its verified certificate. The zero value has no name.
type Certificate struct {
	sans []san // the URIs, then the DNS names, each sorted
	key  string
}

// san is a name: a URI or a DNS name.
type san struct {
	isURI bool
	text  string
}

// Of returns the names of a leaf certificate. nil means a client without a certificate.
func Of(leaf *x509.Certificate) Certificate {
	if leaf == nil {
		return Certificate{}
	}
	uris := make([]string, len(leaf.URIs))
	for i, u := range leaf.URIs {
		uris[i] = u.String()
	}
	return New(uris, leaf.DNSNames)
}

// New returns the certificate with these names.
func New(uris, dnsNames []string) Certificate {
	var c Certificate
	add := func(texts []string, isURI bool) {
		texts = slices.Clone(texts)
		slices.Sort(texts)
		for _, text := range slices.Compact(texts) {
			if text != "" {
				c.sans = append(c.sans, san{isURI, text})
			}
		}
	}
	add(uris, true)
	add(dnsNames, false)
	var key strings.Builder
	for _, s := range c.sans {
		key.WriteString(strconv.FormatBool(s.isURI) + strconv.Quote(s.text))
	}
	c.key = key.String()
	return c
}

// Key is equal for certificates with the same names, and for no other certificates. "" means no
// names.
func (c Certificate) Key() string { return c.key }

// shown is how many names a message has.
const shown = 5

// String lists the names for a message: the first few, each of a bounded length.
func (c Certificate) String() string {
	if len(c.sans) == 0 {
		return "no URI and no DNS name"
	}
	var words []string
	for i, s := range c.sans {
		if i == shown {
			words = append(words, fmt.Sprintf("%d more", len(c.sans)-shown))
			break
		}
		words = append(words, Brief(s.text))
	}
	return strings.Join(words, ", ")
}

// longest bounds a text from a client in a message, in bytes.
const longest = 200

// Brief bounds a text from a client for a message, and quotes any text that is not plain.
func Brief(text string) string {
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` || strings.ContainsAny(text, " ,") {
		return quoted
	}
	return text
}

// has says whether a text is among the names.
func (c Certificate) has(text string) bool {
	return slices.ContainsFunc(c.sans, func(s san) bool { return s.text == text })
}
