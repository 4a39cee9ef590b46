package spec

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
)

// The limits of a file. They are far above the size of handwritten files, and low enough to decode
// any file in about a second with little memory.
const (
	maxFileSize  = 1 << 20 // bytes
	maxDocuments = 500
	maxTokens    = 50_000 // of YAML; the parser's time grows with their square
	maxDepth     = 64     // of nesting, aliases expanded
	maxExpanded  = 4 << 20
	maxErrors    = 50 // of one document
)

// MaxConfigFile is the size of the largest file that configFrom may name, in bytes. Envoy takes far
// more.
// See docs/RATIONALE.md#why-does-configfrom-take-16-mib.
const MaxConfigFile = 16 << 20

// largeConfigAdvice is the hint for a file that is too large.
const largeConfigAdvice = "put a large configuration into a file of its own, of at most 16 MiB, and name it with configFrom"

// Decode splits one YAML file into its documents and decodes each. file is the path for errors, and
// the base of the relative paths in text. A relative file is relative to the working directory.
//
// A document with problems yields all of them at once and no Spec, and does not affect the file's
// other documents. Decode skips empty documents. If the file cannot be split, broken is true, errs
// gives the reason, and nothing is known of its documents. Decode does not compare names between
// documents.
func Decode(file string, text []byte) (specs []*Spec, errs []*Error, broken bool) {
	if len(bytes.TrimSpace(text)) == 0 {
		// An editor or a copy has created the file and not written it yet: its content is unknown,
		// not gone.
		return nil, []*Error{{
			Code: CodeEmptyFile, Message: "the file is empty", Hint: "write a spec, or delete the file to remove its filters",
			Pos: Position{File: file, Line: 1, Column: 1},
		}}, true
	}
	src, bodies, err := split(file, text)
	if err != nil {
		return nil, []*Error{err}, true
	}
	defaultName := ""
	if len(bodies) == 1 {
		defaultName = strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".yaml"), ".yml")
	}
	for _, body := range bodies {
		d := &decoder{
			source: src, defaultName: defaultName, spec: &Spec{},
			seen: map[string]*node{}, meant: map[string]bool{}, anchors: map[string]*node{},
		}
		if s := d.document(body); len(d.errs) == 0 {
			specs = append(specs, s)
		}
		errs = append(errs, d.sortedErrors()...)
	}
	return specs, errs, false
}

// source is a file during decoding.
type source struct {
	file  string
	lines []int // the length of each line, in characters
}

// at returns a position inside the file. The parser's own position is off by some columns after
// escapes, and by a line after some block scalars.
func (s *source) at(line, column int) Position {
	line = min(max(line, 1), len(s.lines))
	column = min(max(column, 1), s.lines[line-1]+1)
	return Position{File: s.file, Line: line, Column: column}
}

// split returns the file's documents with content.
func split(file string, text []byte) (*source, []ast.Node, *Error) {
	src, normal, problem := read(file, text)
	if problem != nil {
		return nil, nil, problem
	}
	parsed, problem := parse(src, normal)
	if problem != nil {
		return nil, nil, problem
	}
	var bodies []ast.Node
	for _, document := range parsed.Docs {
		switch body := document.Body.(type) {
		case nil, *ast.CommentGroupNode, *ast.DirectiveNode:
		case *ast.NullNode:
			// "~" or "null" alone is an empty document.
		default:
			bodies = append(bodies, body)
		}
	}
	return src, bodies, nil
}

// read checks the size and encoding of text, and makes every line end in a line feed, as YAML
// requires in scalars.
func read(file string, text []byte) (*source, string, *Error) {
	src := &source{file: file, lines: []int{0}}
	if len(text) > maxFileSize {
		return nil, "", &Error{
			Code:    CodeTooLarge,
			Message: fmt.Sprintf("the file has %d bytes, more than the %d that a spec may have", len(text), maxFileSize),
			Hint:    largeConfigAdvice,
			Pos:     src.at(1, 1),
		}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	line, column := 1, 0
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		column++
		switch {
		case r == '\n':
			src.lines = append(src.lines, 0)
			line, column = line+1, 0
		case r == utf8.RuneError && size == 1:
			return nil, "", &Error{
				Code: CodeBadYAML, Message: "the file is not UTF-8 text", Hint: "save it as UTF-8",
				Pos: Position{File: file, Line: line, Column: column},
			}
		case r < ' ' && r != '\t', r == 0x7f:
			return nil, "", &Error{
				Code: CodeBadYAML, Message: fmt.Sprintf("the control character %U is not allowed in YAML", r),
				Hint: `write it as an escape in double quotes, as in "\x00"`,
				Pos:  Position{File: file, Line: line, Column: column},
			}
		default:
			src.lines[line-1]++
		}
		rest = rest[size:]
	}
	return src, string(text), nil
}

// parse runs the YAML library, which cannot be trusted with hostile text. It first refuses
// dangerous text, and reports a panic of the library as a broken file.
func parse(src *source, text string) (file *ast.File, problem *Error) {
	defer func() {
		if recover() != nil {
			file, problem = nil, &Error{
				Code: CodeBadYAML, Message: "the file is not valid YAML",
				Hint: "the parser gave up on it without naming a place", Pos: src.at(1, 1),
			}
		}
	}()
	tokens, unsure := mend(lexer.Tokenize(text))
	if unsure != nil {
		return nil, &Error{
			Code: CodeBadYAML, Message: "not valid YAML: a colon without a space after it",
			Hint: "add the space, or put the text in quotes", Pos: src.at(unsure.Position.Line, unsure.Position.Column),
		}
	}
	if problem := checkTokens(src, tokens); problem != nil {
		return nil, problem
	}
	// The decoder reports duplicate keys later: an error here would break the whole file.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(src, err)
	}
	return file, nil
}

func syntaxError(src *source, err error) *Error {
	e := &Error{Code: CodeBadYAML, Message: "the file is not valid YAML", Pos: src.at(1, 1)}
	var detailed yaml.Error
	if !errors.As(err, &detailed) {
		return e
	}
	// The library's own Error() quotes lines of the file, which may hold secrets.
	e.Message = "not valid YAML: " + detailed.GetMessage()
	switch {
	case strings.Contains(e.Message, `'	'`):
		e.Message = "not valid YAML: a tab stands where nothing but spaces may"
		e.Hint = "indent with spaces"
	case strings.Contains(e.Message, "mapping value is not allowed"):
		e.Hint = "check the indentation, and put text that contains ': ' in quotes"
	}
	if token := detailed.GetToken(); token != nil && token.Position != nil {
		e.Pos = src.at(token.Position.Line, token.Position.Column)
	}
	return e
}

// decoder decodes one document.
type decoder struct {
	*source
	defaultName string // "": the document must name itself
	spec        *Spec
	known       string           // the filter's name, when it is certain
	seen        map[string]*node // the key node of each field in the document, by the field's path
	meant       map[string]bool  // the fields that the writer of an unknown field probably meant
	errs        []*Error
	notes       []Error
	overflow    int // errors that were dropped
	anchors     map[string]*node
	expanded    int // growth of the document by its aliases, in bytes
}

func (d *decoder) fail(e *Error) {
	if len(d.errs) >= maxErrors {
		d.overflow++
		return
	}
	d.errs = append(d.errs, e)
}

// note adds a notice, which refuses nothing.
func (d *decoder) note(e *Error) {
	if len(d.notes) < maxErrors {
		d.notes = append(d.notes, *e)
	}
}

func (d *decoder) sortedNotes() []Error {
	slices.SortStableFunc(d.notes, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	for i := range d.notes {
		d.notes[i].Name = d.spec.Name
	}
	return d.notes
}

// failf adds an error without a hint.
func (d *decoder) failf(code string, at *node, format string, args ...any) {
	d.fail(&Error{Code: code, Message: fmt.Sprintf(format, args...), Pos: at.pos})
}

func (d *decoder) sortedErrors() []*Error {
	slices.SortStableFunc(d.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	if d.overflow > 0 {
		last := *d.errs[len(d.errs)-1]
		d.errs = append(d.errs, &Error{
			Code:    CodeTooLarge,
			Message: fmt.Sprintf("%d more problems in this document are not listed", d.overflow),
			Pos:     last.Pos,
		})
	}
	for _, e := range d.errs {
		e.Name = d.known
	}
	return d.errs
}
