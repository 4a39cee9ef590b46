package spec

import (
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// kind is what YAML takes a node for.
type kind uint8

const (
	kindInvalid kind = iota // an error was reported; say no more of it
	kindNull
	kindBool
	kindNumber
	kindString
	kindMap
	kindList
)

func (k kind) String() string {
	return [...]string{"invalid", "null", "a boolean", "a number", "a string", "a mapping", "a list"}[k]
}

// node is a YAML node with its aliases, merge keys and tags resolved.
type node struct {
	kind    kind
	text    string // a scalar's, as written or, if quoted, as meant; "" for a null that is not written
	pos     Position
	entries []entry // a mapping's, in order; keys may occur twice
	items   []*node // a list's
	size    int     // of the expanded node, in bytes
	depth   int     // of the expanded node
}

type entry struct {
	key, value *node
	merge      bool // the key is <<; not once the mapping is resolved
}

// add makes child part of n.
func (n *node) add(child *node) {
	n.size += child.size
	n.depth = max(n.depth, child.depth+1)
}

const nodeSize = 16 // what a node counts beside its text

// tree resolves what the parser found, within the limits of a document.
func (d *decoder) tree(from ast.Node) *node {
	n := d.resolve(from)
	if n.depth > maxDepth {
		d.fail(&Error{
			Code: CodeTooLarge, Message: fmt.Sprintf("nested more than %d levels deep with its aliases expanded", maxDepth),
			Pos: n.pos,
		})
		n.kind = kindInvalid
	}
	return n
}

func (d *decoder) resolve(from ast.Node) *node {
	switch from := from.(type) {
	case *ast.MappingNode:
		return d.mapping(from)
	case *ast.SequenceNode:
		n := d.bare(from.GetToken(), kindList)
		for _, value := range from.Values {
			item := d.resolve(value)
			n.items = append(n.items, item)
			n.add(item)
		}
		return n
	case *ast.AnchorNode:
		return d.anchor(from)
	case *ast.AliasNode:
		return d.alias(from)
	case *ast.TagNode:
		return d.tag(from)
	case *ast.MappingKeyNode:
		return d.resolve(from.Value)
	case *ast.LiteralNode:
		n := d.bare(from.GetToken(), kindString)
		return d.withText(n, blockText(from))
	case nil:
		return &node{kind: kindInvalid}
	}
	tk := from.GetToken()
	if tk.Type == token.ImplicitNullType {
		return d.bare(tk, kindNull)
	}
	n := d.bare(tk, kindString)
	text, ok := flowText(tk)
	if !ok {
		return d.invalid(n, CodeBadYAML, "a comment inside text of several lines", "move the comment, or put the text in quotes")
	}
	if tk.Type != token.SingleQuoteType && tk.Type != token.DoubleQuoteType {
		// The parser's own idea of numbers leaves out 1e3 and those over 64 bits.
		n.kind = plainKind(text)
	}
	return d.withText(n, text)
}

// bare is a node without content.
func (d *decoder) bare(tk *token.Token, k kind) *node {
	return &node{kind: k, pos: d.at(tk.Position.Line, tk.Position.Column), size: nodeSize, depth: 1}
}

func (d *decoder) withText(n *node, text string) *node {
	n.text = text
	n.size += len(text)
	if !utf8.ValidString(text) {
		// Escapes can make what no protobuf string may hold.
		return d.invalid(n, CodeBadYAML, "the text is not valid Unicode", "check its escapes")
	}
	return n
}

func (d *decoder) invalid(n *node, code, message, hint string) *node {
	d.fail(&Error{Code: code, Message: message, Hint: hint, Pos: n.pos})
	n.kind = kindInvalid
	return n
}

func (d *decoder) mapping(from *ast.MappingNode) *node {
	n := d.bare(from.GetToken(), kindMap)
	own := map[string]bool{}
	for i, pair := range from.Values {
		key := d.key(pair.Key)
		if i == 0 && !from.IsFlowStyle {
			n.pos = key.pos // the token of a block mapping is its first colon
		}
		value := d.resolve(pair.Value)
		if value.pos.File == "" || value.kind == kindNull && value.text == "" {
			value.pos = key.pos // nothing is written there to point at
		}
		_, merge := pair.Key.(*ast.MergeKeyNode)
		n.entries = append(n.entries, entry{key: key, value: value, merge: merge})
		if merge {
			continue
		}
		own[key.text] = true
		n.add(key)
		n.add(value)
	}
	return d.merge(n, own)
}

// key resolves a mapping's key, which has to be a scalar.
func (d *decoder) key(from ast.Node) *node {
	if merge, ok := from.(*ast.MergeKeyNode); ok {
		return d.bare(merge.GetToken(), kindString)
	}
	n := d.resolve(from)
	if n.kind == kindMap || n.kind == kindList {
		return d.invalid(n, CodeBadYAML, "a key must be a string", "")
	}
	return n
}

// merge puts what the merge keys of n name in their place, without what n says
// itself (own) or an earlier one says.
func (d *decoder) merge(n *node, own map[string]bool) *node {
	var entries []entry
	for _, e := range n.entries {
		if !e.merge {
			entries = append(entries, e)
			continue
		}
		from := []*node{e.value}
		if e.value.kind == kindList {
			from = e.value.items
		}
		for _, base := range from {
			if base.kind == kindInvalid {
				continue
			}
			if base.kind != kindMap {
				d.failf(CodeBadYAML, e.value, "a merge key (<<) takes a mapping or a list of them, not %s", base.kind)
				return d.closed(n)
			}
			if !d.expand(base, e.key) {
				return d.closed(n)
			}
			for _, inherited := range base.entries {
				if own[inherited.key.text] {
					continue
				}
				own[inherited.key.text] = true
				entries = append(entries, entry{key: inherited.key, value: inherited.value})
				n.add(inherited.key)
				n.add(inherited.value)
			}
		}
	}
	n.entries = entries
	return n
}

// closed makes n one that nobody looks into: an error has been reported.
func (d *decoder) closed(n *node) *node {
	n.kind, n.entries, n.items = kindInvalid, nil, nil
	return n
}

func (d *decoder) anchor(from *ast.AnchorNode) *node {
	name := from.Name.GetToken().Value
	d.anchors[name] = nil // until it is complete
	n := d.resolve(from.Value)
	d.anchors[name] = n
	return n
}

func (d *decoder) alias(from *ast.AliasNode) *node {
	at := d.bare(from.GetToken(), kindInvalid)
	name := from.Value.GetToken().Value
	target, known := d.anchors[name]
	switch {
	case !known:
		return d.invalid(at, CodeBadYAML, fmt.Sprintf("the alias *%s has no anchor before it", brief(name)),
			"put &"+brief(name)+" before the value that is meant")
	case target == nil:
		return d.invalid(at, CodeBadYAML, fmt.Sprintf("the alias *%s lies inside the value that it stands for", brief(name)), "")
	case !d.expand(target, at):
		return d.closed(at)
	}
	// A copy, so that an error about it points at the alias. What is in it is
	// shared: the tree is never changed once it is built.
	n := *target
	n.pos = at.pos
	return &n
}

// expand accounts for another use of target, and is false, with the error
// reported once, when the document has become too large by them.
func (d *decoder) expand(target, at *node) bool {
	before := d.expanded
	d.expanded = min(d.expanded+target.size, maxExpanded+1)
	if d.expanded <= maxExpanded && target.depth <= maxDepth {
		return true
	}
	if before <= maxExpanded {
		d.expanded = maxExpanded + 1
		d.fail(&Error{
			Code: CodeTooLarge, Message: "the aliases of this document expand to too much",
			Hint: fmt.Sprintf("%d bytes and %d levels are the most", maxExpanded, maxDepth), Pos: at.pos,
		})
	}
	return false
}

// tag resolves YAML's own tags where they say nothing new, and !!str.
func (d *decoder) tag(from *ast.TagNode) *node {
	tk := from.GetToken()
	if from.Value == nil {
		return d.invalid(d.bare(tk, kindInvalid), CodeBadYAML, "a tag without a value", "remove the tag")
	}
	n := d.resolve(from.Value)
	if n.kind == kindInvalid {
		return n
	}
	tags := map[string]kind{
		"!!str": kindString, "!!map": kindMap, "!!seq": kindList,
		"!!int": kindNumber, "!!float": kindNumber, "!!bool": kindBool, "!!null": kindNull,
	}
	want, ok := tags[tk.Value]
	if ok && want == kindString && n.kind != kindMap && n.kind != kindList {
		n.kind = kindString
	}
	if !ok || n.kind != want {
		return d.invalid(d.bare(tk, kindInvalid), CodeBadYAML, "the tag "+brief(tk.Value)+" does not fit here", "remove the tag")
	}
	return n
}

// brief bounds what an error quotes.
func brief(s string) string {
	const most = 64
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
