package spec

import (
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// maxExpanded bounds the growth of a document by its aliases, in bytes.
const maxExpanded = 4 << 20

// builder builds the tree of a document from the parser's nodes. It resolves aliases, merge keys
// and tags.
type builder struct {
	*source
	*problems
	anchors  map[string]*node
	expanded int // growth of the document by its aliases, in bytes
}

// tree builds the tree, within the limits of a document.
func (b *builder) tree(from ast.Node) *node {
	n := b.resolve(from)
	if n.depth > maxDepth {
		b.fail(&Error{
			Code: CodeTooLarge, Message: fmt.Sprintf("nested more than %d levels deep with its aliases expanded", maxDepth),
			Pos: n.pos,
		})
		n.kind = kindInvalid
	}
	return n
}

func (b *builder) resolve(from ast.Node) *node {
	switch from := from.(type) {
	case *ast.MappingNode:
		return b.mapping(from)
	case *ast.SequenceNode:
		n := b.bare(from.GetToken(), kindList)
		for _, value := range from.Values {
			item := b.resolve(value)
			n.items = append(n.items, item)
			n.add(item)
		}
		return n
	case *ast.AnchorNode:
		return b.anchor(from)
	case *ast.AliasNode:
		return b.alias(from)
	case *ast.TagNode:
		return b.tag(from)
	case *ast.MappingKeyNode:
		return b.resolve(from.Value)
	case *ast.LiteralNode:
		n := b.bare(from.GetToken(), kindString)
		return b.withText(n, blockText(from))
	case nil:
		return &node{kind: kindInvalid}
	}
	tk := from.GetToken()
	if tk.Type == token.ImplicitNullType {
		return b.bare(tk, kindNull)
	}
	n := b.bare(tk, kindString)
	text, ok := flowText(tk)
	if !ok {
		return b.invalid(n, CodeBadYAML, "a comment inside text of several lines", "move the comment, or put the text in quotes")
	}
	if tk.Type != token.SingleQuoteType && tk.Type != token.DoubleQuoteType {
		// The parser does not take 1e3 and integers over 64 bits for numbers.
		n.kind, n.plain = plainKind(text), true
	}
	return b.withText(n, text)
}

// bare is a node without content.
func (b *builder) bare(tk *token.Token, k kind) *node {
	return &node{kind: k, pos: b.at(tk.Position.Line, tk.Position.Column), size: nodeSize, depth: 1}
}

func (b *builder) withText(n *node, text string) *node {
	n.text = text
	n.size += len(text)
	if !utf8.ValidString(text) {
		// Escapes can produce text that no protobuf string may hold.
		return b.invalid(n, CodeBadYAML, "the text is not valid Unicode", "check its escapes")
	}
	return n
}

func (b *builder) invalid(n *node, code, message, hint string) *node {
	b.fail(&Error{Code: code, Message: message, Hint: hint, Pos: n.pos})
	n.kind = kindInvalid
	return n
}

func (b *builder) mapping(from *ast.MappingNode) *node {
	n := b.bare(from.GetToken(), kindMap)
	own := map[string]bool{}
	for i, pair := range from.Values {
		key := b.key(pair.Key)
		if i == 0 && !from.IsFlowStyle {
			n.pos = key.pos // the token of a block mapping is its first colon
		}
		value := b.resolve(pair.Value)
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
	return b.merge(n, own)
}

// key resolves a mapping's key, which must be a scalar.
func (b *builder) key(from ast.Node) *node {
	if merge, ok := from.(*ast.MergeKeyNode); ok {
		return b.bare(merge.GetToken(), kindString)
	}
	n := b.resolve(from)
	if n.kind == kindMap || n.kind == kindList {
		return b.invalid(n, CodeBadYAML, "a key must be a string", "")
	}
	return n
}

// merge replaces the merge keys of n by their entries, without the entries that n itself (own) or
// an earlier merge key has.
func (b *builder) merge(n *node, own map[string]bool) *node {
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
				b.failf(CodeBadYAML, e.value, "a merge key (<<) takes a mapping or a list of them, not %s", base.kind)
				return b.closed(n)
			}
			if !b.expand(base, e.key) {
				return b.closed(n)
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
func (b *builder) closed(n *node) *node {
	n.kind, n.entries, n.items = kindInvalid, nil, nil
	return n
}

func (b *builder) anchor(from *ast.AnchorNode) *node {
	name := from.Name.GetToken().Value
	b.anchors[name] = nil // until it is complete
	n := b.resolve(from.Value)
	b.anchors[name] = n
	return n
}

func (b *builder) alias(from *ast.AliasNode) *node {
	at := b.bare(from.GetToken(), kindInvalid)
	name := from.Value.GetToken().Value
	target, known := b.anchors[name]
	switch {
	case !known:
		return b.invalid(at, CodeBadYAML, "the alias has no anchor before it",
			"put an anchor before the value that is meant (&name), or quotes around a text that begins with *")
	case target == nil:
		return b.invalid(at, CodeBadYAML, "the alias lies inside the value that it stands for", "")
	case !b.expand(target, at):
		return b.closed(at)
	}
	// A copy, so an error about the node points at the alias. The content is shared, because a
	// tree never changes after it is built.
	n := *target
	n.pos = at.pos
	return &n
}

// expand accounts for another use of target. If aliases make the document too large, expand reports
// the error once and returns false.
func (b *builder) expand(target, at *node) bool {
	before := b.expanded
	b.expanded = min(b.expanded+target.size, maxExpanded+1)
	if b.expanded <= maxExpanded && target.depth <= maxDepth {
		return true
	}
	if before <= maxExpanded {
		b.expanded = maxExpanded + 1
		b.fail(&Error{
			Code: CodeTooLarge, Message: "the aliases of this document expand to too much",
			Hint: fmt.Sprintf("%d bytes and %d levels are the most", maxExpanded, maxDepth), Pos: at.pos,
		})
	}
	return false
}

// tag resolves !!str, and YAML's other own tags if they do not change the type.
func (b *builder) tag(from *ast.TagNode) *node {
	tk := from.GetToken()
	if from.Value == nil {
		return b.invalid(b.bare(tk, kindInvalid), CodeBadYAML, "a tag without a value", "remove the tag")
	}
	n := b.resolve(from.Value)
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
		return b.invalid(b.bare(tk, kindInvalid), CodeBadYAML, "the tag does not fit here", "remove the tag, or put quotes around a text that begins with !")
	}
	return n
}
