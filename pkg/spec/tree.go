package spec

import (
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// kind is the YAML type of a node.
type kind uint8

const (
	kindInvalid kind = iota // an error was reported; report no others for the node
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
	text    string // a scalar's, as written, or the meaning of a quoted one; "" for a missing null
	pos     Position
	entries []entry // a mapping's, in order; keys may occur twice
	items   []*node // a list's
	size    int     // of the expanded node, in bytes
	depth   int     // of the expanded node
}

type entry struct {
	key, value *node
	merge      bool // the key is <<; false after the mapping is resolved
}

// add makes child part of n.
func (n *node) add(child *node) {
	n.size += child.size
	n.depth = max(n.depth, child.depth+1)
}

const nodeSize = 16 // the size of a node without its text

// tree resolves the parser's nodes, within the limits of a document.
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
		// The parser does not take 1e3 and integers over 64 bits for numbers.
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
		// Escapes can produce text that no protobuf string may hold.
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
			value.pos = key.pos // a missing value has no position of its own
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

// key resolves a mapping's key, which must be a scalar.
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

// merge replaces the merge keys of n by their entries, without the entries that n itself (own) or
// an earlier merge key has.
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

// closed turns n into a node that no decoder looks into: an error has been reported.
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
	// A copy, so that an error about the node points at the alias. The content is shared, because a
	// tree never changes after it is built.
	n := *target
	n.pos = at.pos
	return &n
}

// expand accounts for another use of target. If aliases make the document too large, expand reports
// the error once and returns false.
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

// tag resolves !!str, and YAML's other own tags if they do not change the type.
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

// brief shortens text for a quotation in an error.
func brief(s string) string {
	const most = 64
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
