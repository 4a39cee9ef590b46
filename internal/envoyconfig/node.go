package envoyconfig

import (
	"sort"
	"unicode/utf8"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Kind is the kind of a node.
type Kind int

// The kinds. The zero value is an empty value, as in "key:".
const (
	Null Kind = iota
	Bool
	Number
	String
	Map
	List
)

// Node is a value of a configuration. A finished tree never changes. An alias is a separate node,
// with the place of the alias and the content of the anchor.
type Node struct {
	Kind Kind
	Text string // of a scalar, unquoted
	// Entries are the fields of a map in the order of the file. Fields from a merge key (<<) stand
	// in the place of the merge key.
	Entries []Entry
	Items   []*Node // of a list

	File *File
	// Start and End are the bytes of the value in the file. An anchor or a tag before the value
	// belongs to the value. A value in block style ends after the last byte of the last item,
	// before the end of the line. An empty value has no bytes.
	Start, End int
	Flow       bool   // a map or a list in braces or brackets, as in JSON
	Anchor     string // the anchor that stands before the value; "": none
	Alias      *Node  // the value that this alias stands for; nil: this is no alias
}

// Entry is a field of a map.
type Entry struct {
	Key, Value *Node
	Merged     bool // a merge key has brought the field in
}

// Pos is the place of the node.
func (n *Node) Pos() spec.Position {
	if n == nil || n.File == nil {
		return spec.Position{}
	}
	return n.File.Position(n.Start)
}

// Source returns the bytes of the node as the operator wrote them.
func (n *Node) Source() string { return string(n.File.Text[n.Start:n.End]) }

// File is one file of a configuration.
type File struct {
	Path string
	Text []byte
	Root *Node
	// Merges are the merge keys (<<) of the file. Envoy knows no merge keys: << is the name of a
	// field for Envoy, and Envoy refuses the file.
	Merges []*Node

	lines []int // the offset of each line
}

// Position returns the line and column of an offset. Columns count characters. Without lines, as in
// the answer of a running Envoy, the position has only the file.
func (f *File) Position(offset int) spec.Position {
	if len(f.lines) == 0 {
		return spec.Position{File: f.Path}
	}
	line := sort.SearchInts(f.lines, offset+1)
	column := 1 + utf8.RuneCount(f.Text[f.lines[line-1]:offset])
	return spec.Position{File: f.Path, Line: line, Column: column}
}

// LineStart returns the start of the line with an offset.
func (f *File) LineStart(offset int) int { return f.lines[sort.SearchInts(f.lines, offset+1)-1] }

// NextLine returns the start of the line after an offset, and the end of the file after the last
// line.
func (f *File) NextLine(offset int) int {
	line := sort.SearchInts(f.lines, offset+1)
	if line == len(f.lines) {
		return len(f.Text)
	}
	return f.lines[line]
}

// offset returns the offset of a line and column, both from 1 on, within the file.
func (f *File) offset(line, column int) int {
	if line < 1 {
		return 0
	}
	if line > len(f.lines) {
		return len(f.Text)
	}
	at := f.lines[line-1]
	for range column - 1 {
		_, size := utf8.DecodeRune(f.Text[at:])
		at += size
	}
	return at
}
