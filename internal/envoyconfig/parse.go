package envoyconfig

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The limits of a file. Generated bootstraps with thousands of clusters have a few megabytes.
const (
	// MaxFileSize is the size of the largest file, in bytes.
	MaxFileSize = 8 << 20
	maxDepth    = 200       // of nesting, aliases expanded
	maxNodes    = 4_000_000 // aliases expanded
)

var byteOrderMark = []byte("\ufeff")

// Parse reads one file, YAML or JSON, with the limits of a file. Envoy reads only the first
// document of a file, and so does Parse. path is the name for messages. The error has a place, if
// the YAML library knows one. Parse keeps text.
func Parse(path string, text []byte) (*File, *spec.Error) {
	f := &File{Path: path, Text: text}
	if len(text) > MaxFileSize {
		return nil, &spec.Error{
			Code: "too_large", Message: fmt.Sprintf("the file has %d bytes, more than the %d that are read", len(text), MaxFileSize),
			Pos: spec.Position{File: path},
		}
	}
	if at := invalidUTF8(text); at >= 0 {
		f.setLines(text[:at])
		return nil, &spec.Error{Code: "bad_yaml", Message: "the file is not UTF-8 text", Hint: "save it as UTF-8", Pos: f.Position(at)}
	}
	f.setLines(text)
	root, problem := load(f)
	if problem != nil {
		return nil, problem
	}
	b := builder{file: f, known: map[*yaml.Node]*Node{}}
	f.Root = b.node(root, 0)
	if b.problem != nil {
		return nil, b.problem
	}
	return f, nil
}

func invalidUTF8(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// setLines finds the lines as the YAML library does: a carriage return and three characters of
// Unicode end a line, too.
func (f *File) setLines(text []byte) {
	start := 0
	if bytes.HasPrefix(text, byteOrderMark) {
		start = len(byteOrderMark)
	}
	f.lines = []int{start}
	for at := start; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		at += size
		switch r {
		case '\r':
			if at < len(text) && text[at] == '\n' {
				at++
			}
		case '\n', 0x85, 0x2028, 0x2029:
		default:
			continue
		}
		f.lines = append(f.lines, at)
	}
}

// load runs the YAML library. A panic of the library is a broken file.
func load(f *File) (root *yaml.Node, problem *spec.Error) {
	at := f.Position(f.lines[0])
	defer func() {
		if recover() != nil {
			root, problem = nil, &spec.Error{Code: "bad_yaml", Message: "the file is not valid YAML", Pos: at}
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(forYAML(f.Text)))
	if err == nil {
		root = &yaml.Node{}
		err = loader.Load(root)
	}
	var detailed *yaml.LoadError
	switch {
	case err == nil && root.Kind == yaml.DocumentNode && len(root.Content) == 1:
		return root.Content[0], nil
	case errors.As(err, &detailed):
		if detailed.Mark.Line > 0 {
			at = f.Position(f.offset(min(detailed.Mark.Line, len(f.lines)), 1))
			at.Column = detailed.Mark.Column
		}
		return nil, &spec.Error{Code: "bad_yaml", Message: "not valid YAML: " + detailed.Message, Pos: at}
	case err != nil:
		return nil, &spec.Error{Code: "empty_file", Message: "the file has no configuration", Hint: "name the file that Envoy gets with -c", Pos: at}
	default:
		return root, nil
	}
}

// builder turns the nodes of the YAML library into a tree with extents.
type builder struct {
	file    *File
	known   map[*yaml.Node]*Node // the complete ones, for aliases
	size    int                  // nodes, aliases expanded
	sizes   map[*Node]int
	problem *spec.Error // the first
}

func (b *builder) fail(n *Node, code, message, hint string) {
	if b.problem == nil {
		b.problem = &spec.Error{Code: code, Message: message, Hint: hint, Pos: n.Pos()}
	}
}

func (b *builder) node(from *yaml.Node, depth int) *Node {
	n := &Node{File: b.file, Anchor: from.Anchor}
	n.Start = b.file.offset(from.Line, from.Column)
	n.End = n.Start
	if b.problem != nil {
		return n
	}
	b.size++
	if depth > maxDepth || b.size > maxNodes {
		b.fail(n, "too_large", "the file is nested too deep, or its aliases expand to too much", "")
		return n
	}
	before := b.size
	switch from.Kind {
	case yaml.MappingNode:
		b.mapping(n, from, depth)
	case yaml.SequenceNode:
		n.Kind, n.Flow = List, from.Style&yaml.FlowStyle != 0
		for _, item := range from.Content {
			n.Items = append(n.Items, b.node(item, depth+1))
		}
		n.End = extent(n, from)
	case yaml.AliasNode:
		b.alias(n, from)
		return n
	default:
		n.Kind, n.Text = scalarKind(from), from.Value
		n.End = extent(n, from)
		if text, ok := fromJSON(b.file.Text[n.Start:n.End]); ok {
			n.Text = text
		}
	}
	b.remember(from, n, b.size-before+1)
	return n
}

func (b *builder) remember(from *yaml.Node, n *Node, size int) {
	if n.Anchor == "" {
		return
	}
	if b.sizes == nil {
		b.sizes = map[*Node]int{}
	}
	b.known[from], b.sizes[n] = n, size
}

func scalarKind(from *yaml.Node) Kind {
	switch from.ShortTag() {
	case "!!null":
		return Null
	case "!!bool":
		return Bool
	case "!!int", "!!float":
		return Number
	default:
		return String
	}
}

// mergeKey brings the fields of another map in.
const mergeKey = "<<"

func (b *builder) mapping(n *Node, from *yaml.Node, depth int) {
	n.Kind, n.Flow = Map, from.Style&yaml.FlowStyle != 0
	own, merges := map[string]bool{}, false
	for i := 0; i+1 < len(from.Content); i += 2 {
		key, value := b.node(from.Content[i], depth+1), b.node(from.Content[i+1], depth+1)
		merge := isMergeKey(from.Content[i])
		if merge {
			b.file.Merges = append(b.file.Merges, key)
			merges = true
		} else {
			own[key.Text] = true
		}
		n.Entries = append(n.Entries, Entry{Key: key, Value: value, Merged: merge})
	}
	n.End = extent(n, from) // of the fields that are written here
	if merges {
		n.Entries = b.merged(n.Entries, own)
	}
}

func isMergeKey(key *yaml.Node) bool {
	return key.Value == mergeKey && key.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0
}

// merged replaces merge keys by their fields. own are the map's own fields.
func (b *builder) merged(entries []Entry, own map[string]bool) []Entry {
	var all []Entry
	for _, e := range entries {
		if !e.Merged {
			all = append(all, e)
			continue
		}
		bases := []*Node{e.Value}
		if e.Value.Kind == List {
			bases = e.Value.Items
		}
		for _, base := range bases {
			for _, inherited := range base.Entries {
				if own[inherited.Key.Text] {
					continue
				}
				own[inherited.Key.Text] = true
				b.size++
				all = append(all, Entry{Key: inherited.Key, Value: inherited.Value, Merged: true})
			}
		}
	}
	return all
}

func (b *builder) alias(n *Node, from *yaml.Node) {
	target := b.known[from.Alias]
	if target == nil {
		b.fail(n, "bad_yaml", "the alias *"+from.Value+" lies inside the value that it stands for", "")
		return
	}
	b.size += b.sizes[target]
	n.Kind, n.Text, n.Entries, n.Items = target.Kind, target.Text, target.Entries, target.Items
	n.Alias, n.Flow, n.Anchor = target, true, ""
	n.End = n.Start + len("*") + len(from.Value)
}
