package trace

import (
	"crypto/rand"
	"time"
)

// Span is a part of an edit's life that has ended.
type Span struct {
	Trace      [16]byte
	ID, Parent [8]byte // Parent zero: the root
	Name       string
	Start, End time.Time
	Attributes []Attribute
	Events     []Event
	Error      string // "": the part went well
}

// Attribute is a fact about a span. Value is a string, an int or a bool.
type Attribute struct {
	Key   string
	Value any
}

// Event is a moment within a span.
type Event struct {
	Name string
	At   time.Time
	Text string // "": the name says all
}

// The names of attributes begin with this.
const prefix = "wasm_xds."

func (s *Span) set(key string, value any) {
	s.Attributes = append(s.Attributes, Attribute{prefix + key, value})
}

// happened adds an event. A span has a limited number of events.
func (s *Span) happened(e Event) {
	const most = 16
	if len(s.Events) < most {
		s.Events = append(s.Events, e)
	}
}

// child begins a part of the span.
func (s *Span) child(name string, start time.Time) *Span {
	return &Span{Trace: s.Trace, ID: newID(), Parent: s.ID, Name: name, Start: start}
}

func newRoot(name string, start time.Time) *Span {
	s := &Span{ID: newID(), Name: name, Start: start}
	_, _ = rand.Read(s.Trace[:]) // crypto/rand.Read never fails
	return s
}

func newID() (id [8]byte) {
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails
	return id
}
