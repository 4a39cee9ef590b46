package identity

import (
	"fmt"
	"slices"
)

// Grant is the access of a client. A Grant never changes.
type Grant struct {
	san     string
	all     bool
	filters []glob
}

// SAN is the name in the certificate behind the grant.
func (g *Grant) SAN() string { return g.san }

// Allows says whether the client may have the filter with this name.
func (g *Grant) Allows(filter string) bool {
	return g.all || slices.ContainsFunc(g.filters, func(one glob) bool { return one.match(filter) })
}

// Equal says whether two grants give the same.
func (g *Grant) Equal(other *Grant) bool {
	return g.san == other.san && g.all == other.all &&
		slices.EqualFunc(g.filters, other.filters, func(a, b glob) bool { return slices.Equal(a, b) })
}

// Decide compares the claim of a client with the certificate, and returns either a grant or a
// refusal. With nil rules, the node id must be among the SANs.
func (r *Rules) Decide(c Certificate, node, cluster string) (*Grant, *Refusal) {
	if node == "" {
		return nil, &Refusal{ClaimNode, "a client with the certificate of " + c.String() + " names no node id", "set node.id in its bootstrap"}
	}
	var found *Grant
	applies, isNode := false, false
	for _, rule := range r.list() {
		for _, s := range c.sans {
			values, ok := rule.san.match(s)
			if !ok {
				continue
			}
			applies = true
			if !rule.isNode(c, node, values) {
				continue
			}
			isNode = true
			if !anyOf(rule.clusters, cluster, values) {
				continue
			}
			if found == nil {
				found = &Grant{san: s.text}
			}
			found.add(rule.filters, values)
		}
	}
	switch {
	case found != nil:
		return found, nil
	case isNode:
		return nil, clusterRefusal(c, node, cluster)
	case !applies && r.takesOthers() && c.has(node):
		return &Grant{san: node, all: true}, nil
	default:
		return nil, r.nodeRefusal(c, node, applies)
	}
}

// add adds the filters of a rule; nil: all.
func (g *Grant) add(filters []template, values map[string]string) {
	if filters == nil {
		g.all = true
	}
	for _, t := range filters {
		g.filters = append(g.filters, t.with(values))
	}
}

// isNode says whether the rule gives a node id. A rule without node ids gives the SANs.
func (r rule) isNode(c Certificate, node string, values map[string]string) bool {
	if r.nodes == nil {
		return c.has(node)
	}
	return anyOf(r.nodes, node, values)
}

// anyOf says whether any pattern matches; nil matches everything.
func anyOf(patterns []template, text string, values map[string]string) bool {
	return patterns == nil || slices.ContainsFunc(patterns, func(t template) bool { return t.with(values).match(text) })
}

func (r *Rules) nodeRefusal(c Certificate, node string, applies bool) *Refusal {
	no := &Refusal{Claim: ClaimNode, Message: fmt.Sprintf("node id %s is not for a client with the certificate of %s", Brief(node), c)}
	switch {
	case r == nil:
		no.Hint = "set node.id in its bootstrap to one of these names, or map them to node ids in --node-identity-rules"
	case applies:
		no.Hint = "set node.id in its bootstrap as its rule has it, or add the node id to `nodes` of the rule"
	case r.takesOthers():
		no.Hint = "set node.id in its bootstrap to one of these names, or add a rule for one of them"
	default:
		no.Hint = "no rule names this certificate: add a rule for one of its names"
	}
	return no
}
