package identity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Rules map certificates to Envoys and their filters. Rules never change. nil is the rules of a
// server without a file: a node id must be among the SANs.
type Rules struct {
	rules  []rule
	others spec.Others
}

type rule struct {
	san sanPattern
	// nil: not in the rule.
	nodes, clusters, filters []template
}

func (r *Rules) list() []rule {
	if r == nil {
		return nil
	}
	return r.rules
}

// takesOthers says whether the SANs of certificates without a rule are node ids.
func (r *Rules) takesOthers() bool { return r == nil || r.others != spec.OthersNone }

// Len is the number of rules.
func (r *Rules) Len() int { return len(r.list()) }

// codeBadRules is the code of all errors about the patterns of rules.
const codeBadRules = "bad_rules"

// Parse reads a file of rules. path is the path for errors. The error joins all problems of the
// file, each a [spec.Error] with a place.
func Parse(path string, text []byte) (*Rules, error) {
	decoded, errs := spec.DecodeAccessRules(path, text)
	if len(errs) > 0 {
		return nil, joined(errs)
	}
	r := &Rules{others: decoded.Others}
	namesFilters := false
	var first spec.Position
	for _, one := range decoded.Rules {
		made, problems := newRule(one)
		errs = append(errs, problems...)
		r.rules = append(r.rules, made)
		if one.Filters != nil && !namesFilters {
			namesFilters, first = true, one.SAN.Pos
		}
	}
	if namesFilters && decoded.Others == "" {
		errs = append(errs, &spec.Error{
			Code: codeBadRules, Message: "a rule names filters, but the file does not say what a certificate without a rule gets", Pos: first,
			Hint: "add `others: none` for nothing, or `others: san` for every filter under a node id that is one of its SANs",
		})
	}
	if len(errs) > 0 {
		return nil, joined(errs)
	}
	return r, nil
}

func joined(errs []*spec.Error) error {
	all := make([]error, len(errs))
	for i, e := range errs {
		all[i] = e
	}
	return errors.Join(all...)
}

func newRule(from spec.AccessRule) (r rule, errs []*spec.Error) {
	problem := func(at spec.Text, err error) {
		errs = append(errs, &spec.Error{
			Code: codeBadRules, Message: fmt.Sprintf("the pattern %s cannot be used: %v", Brief(at.Value), err), Pos: at.Pos,
			Hint: "a pattern has * for any text, and {name} for a text of the SAN",
		})
	}
	var err error
	if r.san, err = newSANPattern(from.SAN.Value); err != nil {
		problem(from.SAN, err)
		return r, errs // the placeholders are not known
	}
	for _, list := range []struct {
		from []spec.Text
		to   *[]template
	}{{from.Nodes, &r.nodes}, {from.Clusters, &r.clusters}, {from.Filters, &r.filters}} {
		if list.from == nil {
			continue
		}
		*list.to = []template{}
		for _, text := range list.from {
			t, err := r.san.template(text.Value)
			if err != nil {
				problem(text, err)
			}
			*list.to = append(*list.to, t)
		}
	}
	return r, errs
}

// template reads a pattern with the placeholders of p.
func (p sanPattern) template(text string) (template, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		if t.kind != placeholder || p.has(t.text) {
			continue
		}
		known := p.names()
		if near := spec.Nearest(t.text, known); near != "" {
			return nil, fmt.Errorf("{%s} is not in the rule's san; did you mean {%s}?", t.text, near)
		}
		if len(known) == 0 {
			return nil, fmt.Errorf("{%s} is not in the rule's san, which has no placeholder", t.text)
		}
		return nil, fmt.Errorf("{%s} is not in the rule's san, which has {%s}", t.text, strings.Join(known, "}, {"))
	}
	return tokens, nil
}
