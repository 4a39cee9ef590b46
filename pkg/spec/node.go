package spec

import "slices"

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
	plain   bool    // a scalar without quotes
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

// scalarAt returns the text of a mapping's key; if the value is no scalar, the key itself; if the
// key is missing, "".
func scalarAt(n *node, key string) string {
	for _, e := range n.entries {
		if e.key.text != key {
			continue
		}
		if e.value.text == "" {
			return key
		}
		return e.value.text
	}
	return ""
}

// at returns the value of a mapping's key, or nil. A nil node has no keys.
func (n *node) at(key string) *node {
	if n == nil {
		return nil
	}
	for _, e := range n.entries {
		if e.key.text == key {
			return e.value
		}
	}
	return nil
}

// drop removes a mapping's key.
func (n *node) drop(key string) {
	n.entries = slices.DeleteFunc(n.entries, func(e entry) bool { return e.key.text == key })
}

// copied returns a copy of the mappings of a tree, which share their other values.
func (n *node) copied() *node {
	if n.kind != kindMap {
		return n
	}
	other := *n
	other.entries = nil
	for _, e := range n.entries {
		other.entries = append(other.entries, entry{key: e.key, value: e.value.copied()})
	}
	return &other
}
