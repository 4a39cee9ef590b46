package spec

import (
	"cmp"
	"fmt"
	"slices"
)

// maxErrors is the largest number of errors, and of notices, of a document.
const maxErrors = 50

// problems are the errors and notices of a document.
type problems struct {
	errs     []*Error
	notes    []Error
	overflow int // errors that were dropped
}

func (p *problems) fail(e *Error) {
	if len(p.errs) >= maxErrors {
		p.overflow++
		return
	}
	p.errs = append(p.errs, e)
}

// failf adds an error without a hint.
func (p *problems) failf(code string, at *node, format string, args ...any) {
	p.fail(&Error{Code: code, Message: fmt.Sprintf(format, args...), Pos: at.pos})
}

// note adds a notice, which refuses nothing.
func (p *problems) note(e *Error) {
	if len(p.notes) < maxErrors {
		p.notes = append(p.notes, *e)
	}
}

// sortedErrors returns the errors by position. name is the filter's name, or "" if it is unknown.
func (p *problems) sortedErrors(name string) []*Error {
	slices.SortStableFunc(p.errs, func(a, b *Error) int { return byPosition(a.Pos, b.Pos) })
	if p.overflow > 0 {
		last := *p.errs[len(p.errs)-1]
		p.errs = append(p.errs, &Error{
			Code:    CodeTooLarge,
			Message: fmt.Sprintf("%d more problems in this document are not listed", p.overflow),
			Pos:     last.Pos,
		})
	}
	for _, e := range p.errs {
		e.Name = name
	}
	return p.errs
}

// sortedNotes returns the notices by position. name is the filter's name.
func (p *problems) sortedNotes(name string) []Error {
	slices.SortStableFunc(p.notes, func(a, b Error) int { return byPosition(a.Pos, b.Pos) })
	for i := range p.notes {
		p.notes[i].Name = name
	}
	return p.notes
}

func byPosition(a, b Position) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
