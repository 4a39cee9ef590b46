package trace

import (
	"time"
)

// mostPushes bounds the Envoys of an edit that have a span. The root counts the others.
const mostPushes = 50

// The outcomes of edits.
const (
	Live        = "live"
	Refused     = "refused"
	Superseded  = "superseded"
	Interrupted = "interrupted" // by the end of the process
)

// Push is a resource that is sent to an Envoy.
type Push struct {
	Filter, Revision string
	Node, Envoy      string
	Variant          string
	Token            string // of the GET that may follow; "": none
}

// edit is an edit under way.
type edit struct {
	root     *Span
	revision string // "": not known yet
	children []Span // ended parts that wait for the publication: an edit that changes nothing has no spans
	wave     *Span  // nil: before the publication
	pushes   map[uint64]*push
	omitted  int // pushes without a span
}

// push is a resource on its way to an Envoy, until the Envoy accepts or refuses it.
type push struct {
	span    *Span
	fetch   *Span  // the Envoy fetches the module; nil: it does not
	token   string // of the newest push
	variant string
}

// Variants of a push that an Envoy refuses as a step of every update.
const remote = "remote"

func newEdit(name, filter, file string, at time.Time) *edit {
	e := &edit{root: newRoot(name+" "+filter, at), pushes: map[uint64]*push{}}
	e.root.set("filter", filter)
	if file != "" {
		e.root.set("file", file)
	}
	return e
}

// end ends a part of the edit.
func (e *edit) end(s *Span, at time.Time, problem string, emit func(Span)) {
	s.End, s.Error = at, problem
	if e.wave == nil && s != e.root {
		e.children = append(e.children, *s)
		return
	}
	emit(*s)
}

// publish notes that the revision goes to Envoys from now on.
func (e *edit) publish(revision string, at time.Time, emit func(Span)) {
	e.revision = revision
	e.root.set("revision", revision)
	e.wave = e.root.child("wave", at)
	e.flush(emit)
}

func (e *edit) flush(emit func(Span)) {
	for _, s := range e.children {
		emit(s)
	}
	e.children = nil
}

// sent notes a push to an Envoy.
func (e *edit) sent(stream uint64, p Push, at time.Time) (omitted bool) {
	one := e.pushes[stream]
	switch {
	case one != nil:
		one.span.happened(Event{Name: "sent again", At: at, Text: p.Variant})
	case len(e.pushes) >= mostPushes:
		e.omitted++
		return true
	default:
		one = &push{span: e.wave.child("push to "+p.Node, at)}
		one.span.set("node", p.Node)
		one.span.set("envoy", p.Envoy)
		e.pushes[stream] = one
	}
	one.token, one.variant = p.Token, p.Variant
	return false
}

// answered notes the answer of an Envoy.
func (e *edit) answered(stream uint64, refusal string, at time.Time, emit func(Span)) {
	one := e.pushes[stream]
	if one == nil || !one.span.End.IsZero() {
		return
	}
	if refusal != "" && one.variant == remote {
		one.span.happened(Event{Name: "the code is not cached", At: at, Text: refusal})
		return
	}
	one.span.set("variant", one.variant)
	e.endFetch(one, at, "", emit)
	e.end(one.span, at, refusal, emit)
}

func (e *edit) endFetch(one *push, at time.Time, problem string, emit func(Span)) {
	if one.fetch != nil {
		e.end(one.fetch, at, problem, emit)
		one.fetch = nil
	}
}

// passed ends the wave under way; the next begins.
func (e *edit) passed(name string, at time.Time, emit func(Span)) {
	if e.wave == nil {
		return
	}
	e.wave.Name = "wave " + name
	e.end(e.wave, at, "", emit)
	e.wave = e.root.child("wave", at)
}

// finish ends the edit with all of its parts.
func (e *edit) finish(outcome, problem string, at time.Time, emit func(Span)) {
	open := 0
	for _, one := range e.pushes {
		if !one.span.End.IsZero() {
			continue
		}
		open++
		e.endFetch(one, at, "", emit)
		one.span.set("outcome", "no answer")
		e.end(one.span, at, "", emit)
	}
	if e.wave != nil {
		e.wave.Name = "wave all"
		if outcome != Live {
			e.wave.Name = "wave"
		}
		e.end(e.wave, at, problem, emit)
	}
	e.flush(emit)
	e.root.set("outcome", outcome)
	e.root.set("envoys", len(e.pushes)+e.omitted)
	if e.omitted > 0 {
		e.root.set("envoys_without_a_span", e.omitted)
	}
	e.end(e.root, at, problem, emit)
}
