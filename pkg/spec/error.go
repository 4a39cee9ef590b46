package spec

import (
	"fmt"
	"strings"
)

// Position is a place in a file; Line and Column are 1-based, 0 when unknown.
type Position struct {
	File   string
	Line   int
	Column int
}

// String returns file:line:column without its unknown parts.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
}

// Error is one problem of a document, worded for the document's author.
type Error struct {
	Code    string // stable, snake_case: "unknown_field", "bad_yaml", "module_missing", …
	Message string
	Hint    string // the next step; may be empty
	Name    string // the filter's name, if it is known
	Pos     Position
}

// Error formats as file:line:column: message (hint).
func (e *Error) Error() string {
	var b strings.Builder
	if p := e.Pos.String(); p != "" {
		b.WriteString(p)
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}
