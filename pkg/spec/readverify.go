package spec

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const (
	maxIdentities   = 32
	maxAttestations = 16
	// maxPattern bounds a predicate type and a regular expression, in bytes.
	maxPattern = 1 << 10
)

// readVerify reads the section module.verify.
func readVerify(d *decoder, v *node) (verify Verify) {
	const path = "module.verify"
	d.section(path, v, fields{
		"keys":         func(_, v *node) { verify.Keys = readFileRefs(d, path+".keys", v) },
		"identities":   func(_, v *node) { verify.Identities = readIdentities(d, path+".identities", v) },
		"trustedRoot":  func(_, v *node) { verify.TrustedRoot = readFileRef(d, path+".trustedRoot", v) },
		"attestations": func(_, v *node) { verify.Attestations = readAttestations(d, path+".attestations", v) },
	})
	if v.kind == kindMap && !d.has(path+".keys") && !d.has(path+".identities") {
		d.fail(&Error{
			Code: CodeMissingField, Message: path + " has neither keys nor identities",
			Hint: "name a public key (keys: [./cosign.pub]), or the subject and issuer of a certificate (identities)", Pos: v.pos,
		})
	}
	if key := d.seen[path+".trustedRoot"]; key != nil && d.has(path+".keys") && !d.has(path+".identities") {
		d.fail(&Error{
			Code: CodeConflict, Message: path + ".trustedRoot has no meaning without identities",
			Hint: "remove it, or add identities", Pos: key.pos,
		})
	}
	return verify
}

// items returns the items of a list with 1 to most items.
func (d *decoder) items(path string, v *node, most int) []*node {
	if !d.is(path, v, kindList) {
		return nil
	}
	if len(v.items) == 0 || len(v.items) > most {
		d.failf(CodeBadValue, v, "%s has %d items, and must have 1 to %d", path, len(v.items), most)
		return nil
	}
	return v.items
}

func readIdentities(d *decoder, path string, v *node) []Identity {
	var all []Identity
	for i, item := range d.items(path, v, maxIdentities) {
		all = append(all, readIdentity(d, fmt.Sprintf("%s[%d]", path, i), item))
	}
	return all
}

func readIdentity(d *decoder, path string, v *node) Identity {
	one := Identity{Pos: v.pos}
	text := func(to *string) func(_, v *node) {
		return func(key, v *node) { *to, _ = d.filled(path+"."+key.text, v) }
	}
	pattern := func(to *string) func(_, v *node) {
		return func(key, v *node) { *to = readPattern(d, path+"."+key.text, v) }
	}
	d.section(path, v, fields{
		"subject": text(&one.Subject), "subjectRegExp": pattern(&one.SubjectRegExp),
		"issuer": text(&one.Issuer), "issuerRegExp": pattern(&one.IssuerRegExp),
	})
	if v.kind != kindMap {
		return one
	}
	for _, name := range []string{"subject", "issuer"} {
		exact, asPattern := d.seen[path+"."+name], d.seen[path+"."+name+"RegExp"]
		switch {
		case exact != nil && asPattern != nil:
			d.fail(&Error{
				Code: CodeConflict, Message: fmt.Sprintf("%s can have only one of %s and %sRegExp", path, name, name),
				Hint: "remove one of the two", Pos: asPattern.pos,
			})
		case !d.has(path+"."+name) && !d.has(path+"."+name+"RegExp"):
			d.fail(&Error{Code: CodeMissingField, Message: fmt.Sprintf("%s.%s is missing", path, name), Hint: identityHint(name), Pos: v.pos})
		}
	}
	return one
}

func identityHint(name string) string {
	if name == "issuer" {
		return "name the issuer that vouches for the subject, as in issuer: https://token.actions.githubusercontent.com; without it, any issuer could vouch for anybody"
	}
	return "name the certificate's email address or URI, or match it with subjectRegExp"
}

// readPattern reads a regular expression. The expression may match any part of a text, as in
// cosign; an expression that is not anchored at both ends gets a note.
func readPattern(d *decoder, path string, v *node) string {
	text, ok := d.filled(path, v)
	if !ok {
		return ""
	}
	if len(text) > maxPattern {
		d.failf(CodeBadValue, v, "%s has %d bytes, more than %d", path, len(text), maxPattern)
		return ""
	}
	if _, err := regexp.Compile(text); err != nil {
		d.fail(&Error{
			Code: CodeBadValue, Message: fmt.Sprintf("%s is no regular expression: %v", path, err),
			Hint: "write it in Go's syntax, and in single quotes", Pos: v.pos,
		})
		return ""
	}
	if !strings.HasPrefix(text, "^") || !strings.HasSuffix(text, "$") {
		d.note(&Error{
			Code: CodeLoosePattern, Message: path + " may match in the middle of a longer name",
			Hint: "begin it with ^ and end it with $", Pos: v.pos,
		})
	}
	return text
}

func readAttestations(d *decoder, path string, v *node) []Attestation {
	var all []Attestation
	for i, item := range d.items(path, v, maxAttestations) {
		at := fmt.Sprintf("%s[%d]", path, i)
		named := item
		if item.kind == kindMap {
			named = nil
			d.section(at, item, fields{"type": func(_, v *node) { named = v }})
			if !d.has(at + ".type") {
				d.fail(&Error{Code: CodeMissingField, Message: at + ".type is missing", Hint: "name the predicate type, as in type: slsaprovenance", Pos: item.pos})
			}
			at += ".type"
		}
		if named == nil {
			continue
		}
		one, ok := readAttestation(d, at, named)
		if !ok {
			continue
		}
		if slices.ContainsFunc(all, func(a Attestation) bool { return a.Type == one.Type }) {
			d.fail(&Error{Code: CodeBadValue, Message: fmt.Sprintf("%s repeats the type %s", at, one.Type), Hint: "remove it", Pos: named.pos})
			continue
		}
		all = append(all, one)
	}
	return all
}

func readAttestation(d *decoder, path string, v *node) (Attestation, bool) {
	text, ok := d.filled(path, v)
	if !ok {
		return Attestation{}, false
	}
	if one, ok := ParseAttestation(text); ok {
		one.Pos = v.pos
		return one, true
	}
	names := slices.Sorted(maps.Keys(predicateTypes()))
	hint := "known here: " + strings.Join(names, ", ") + "; or write the predicate type's URI"
	if nearest := Nearest(text, names); nearest != "" {
		hint = fmt.Sprintf("did you mean %q? %s", nearest, hint)
	}
	d.fail(&Error{Code: CodeBadValue, Message: fmt.Sprintf("%s cannot be %q", path, brief(text)), Hint: hint, Pos: v.pos})
	return Attestation{}, false
}

// ParseAttestation reads a type of attestation: a short name of cosign's, or the URI of a predicate
// type. false: it is neither.
func ParseAttestation(text string) (Attestation, bool) {
	if uri, ok := predicateTypes()[text]; ok {
		return Attestation{Type: uri, As: text}, true
	}
	parsed, err := url.Parse(text)
	isURI := err == nil && parsed.Scheme != "" && (parsed.Host != "" || parsed.Opaque != "")
	if !isURI || len(text) > maxPattern || strings.ContainsAny(text, " \t\r\n") {
		return Attestation{}, false
	}
	return Attestation{Type: text, As: text}, true
}
