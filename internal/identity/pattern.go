package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// sanPattern matches the SANs of certificates. Each segment ends with a separator, and has at most
// a single wildcard, so a match is unambiguous.
type sanPattern struct {
	isURI    bool
	segments []segment
}

// segment is a literal text, or a wildcard between two literal texts.
type segment struct {
	prefix, suffix string // without a wildcard, prefix is the whole text
	wild           bool
	name           string // of the placeholder; "": the wildcard is a star
}

// Separators of the segments. A wildcard never reaches beyond a segment.
const (
	uriSeparators = "/?#"
	dnsSeparators = "."
)

// newSANPattern reads a pattern. A pattern with a colon is a URI, as DNS names have none.
func newSANPattern(text string) (p sanPattern, err error) {
	p.isURI = strings.Contains(text, ":")
	if !p.isURI {
		text = strings.ToLower(text)
	}
	fixed := 0 // the number of segments before the path of a URI
	if p.isURI {
		scheme, rest, _ := strings.Cut(text, ":")
		if strings.ContainsAny(scheme, "*{}/") {
			return p, errors.New("a URI begins with its scheme, as in spiffe://")
		}
		if strings.HasPrefix(rest, "//") {
			fixed = 3
		}
	}
	var names []string
	for i, part := range split(text, p.isURI) {
		s, err := newSegment(part)
		switch {
		case err != nil:
			return p, err
		case s.wild && i < fixed:
			return p, errors.New("the host, which is the trust domain of SPIFFE, takes no pattern")
		case s.name != "" && slices.Contains(names, s.name):
			return p, fmt.Errorf("the placeholder {%s} occurs twice", s.name)
		}
		names = append(names, s.name)
		p.segments = append(p.segments, s)
	}
	return p, nil
}

// split cuts a text after each separator.
func split(text string, isURI bool) (parts []string) {
	separators := dnsSeparators
	if isURI {
		separators = uriSeparators
	}
	for {
		i := strings.IndexAny(text, separators)
		if i < 0 {
			return append(parts, text)
		}
		parts, text = append(parts, text[:i+1]), text[i+1:]
	}
}

func newSegment(text string) (s segment, err error) {
	tokens, err := tokenize(text)
	if err != nil {
		return s, err
	}
	for _, t := range tokens {
		switch {
		case t.kind == literal && s.wild:
			s.suffix += t.text
		case t.kind == literal:
			s.prefix += t.text
		case s.wild:
			return s, fmt.Errorf("the segment %q has two wildcards, and may have one", text)
		default:
			s.wild, s.name = true, t.text
		}
	}
	return s, nil
}

// match compares a SAN with the pattern. values are the values of the placeholders.
func (p sanPattern) match(s san) (values map[string]string, ok bool) {
	if s.isURI != p.isURI {
		return nil, false
	}
	text := s.text
	if !p.isURI {
		text = strings.ToLower(text)
	}
	parts := split(text, p.isURI)
	if len(parts) != len(p.segments) {
		return nil, false
	}
	for i, s := range p.segments {
		if !s.wild {
			if parts[i] != s.prefix {
				return nil, false
			}
			continue
		}
		rest, isPrefix := strings.CutPrefix(parts[i], s.prefix)
		value, isSuffix := strings.CutSuffix(rest, s.suffix)
		if !isPrefix || !isSuffix || value == "" || strings.ContainsAny(value, uriSeparators) {
			return nil, false
		}
		if s.name != "" {
			if values == nil {
				values = map[string]string{}
			}
			values[s.name] = value
		}
	}
	return values, true
}

// has says whether the pattern has a placeholder of this name.
func (p sanPattern) has(name string) bool {
	return slices.ContainsFunc(p.segments, func(s segment) bool { return s.name == name && name != "" })
}

// names are the names of the placeholders.
func (p sanPattern) names() (all []string) {
	for _, s := range p.segments {
		if s.name != "" {
			all = append(all, s.name)
		}
	}
	return all
}

// template is a pattern for node ids, clusters or filters, before the placeholders have values.
type template []token

// with puts the values of the placeholders in. A value is a literal text, even with stars or braces
// in the text.
func (t template) with(values map[string]string) glob {
	g := glob{""}
	for _, one := range t {
		switch one.kind {
		case star:
			g = append(g, "")
		case placeholder:
			g[len(g)-1] += values[one.text]
		default:
			g[len(g)-1] += one.text
		}
	}
	return g
}

// glob has the literal texts before, between and after the stars of a pattern. A star stands for
// any text.
type glob []string

func (g glob) match(text string) bool {
	last := len(g) - 1
	if last == 0 {
		return text == g[0]
	}
	text, ok := strings.CutPrefix(text, g[0])
	if !ok {
		return false
	}
	for _, part := range g[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, g[last])
}

// token is a piece of a pattern.
type token struct {
	kind kind
	text string // a literal text, or the name of a placeholder
}

type kind uint8

const (
	literal kind = iota
	star
	placeholder
)

// tokenize reads a pattern.
func tokenize(text string) (all []token, err error) {
	for text != "" {
		i := strings.IndexAny(text, "*{}")
		switch {
		case i < 0:
			return append(all, token{literal, text}), nil
		case i > 0:
			all, text = append(all, token{literal, text[:i]}), text[i:]
		}
		switch text[0] {
		case '*':
			all, text = append(all, token{kind: star}), text[1:]
		case '{':
			name, rest, closed := strings.Cut(text[1:], "}")
			if !closed || !isName(name) {
				return nil, fmt.Errorf("a placeholder is a name in braces, as in {name}, not %.40q", text)
			}
			all, text = append(all, token{placeholder, name}), rest
		default:
			return nil, errors.New("a } stands without a { before it")
		}
	}
	return all, nil
}

// isName says whether a text can name a placeholder: letters, digits and underscores.
func isName(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}) < 0
}
