package control

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/merge"
	"github.com/wasm-xds/wasm-xds/pkg/source/restart"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// sources is how the sources are, all together and each by itself. It belongs to Run's goroutine.
type sources struct {
	directory string // the name of all sources together
	log       *zap.Logger
	hub       *events.Hub

	state  api.SourceState
	err    *spec.Error
	errors []*spec.Error
	since  time.Time
	parts  []part
}

// part is one source.
type part struct {
	name          string
	state         api.SourceState
	err           *spec.Error
	since         time.Time
	specs, errors int
}

func newSources(cfg Config, hub *events.Hub) *sources {
	return &sources{directory: cfg.Directory, log: cfg.Logger, hub: hub, state: api.SourceReading, since: time.Now()}
}

// silent says whether the sources have said nothing yet.
func (s *sources) silent() bool { return s.state == api.SourceReading }

// set notes how all sources are together.
func (s *sources) set(state api.SourceState, err *spec.Error, now time.Time) {
	if s.state != state {
		s.since = now
	}
	s.state, s.err = state, err
	s.hub.Publish(api.Event{Type: api.EventSource, State: string(state), Time: now})
}

// takeUnavailable takes a set that could not be read.
func (s *sources) takeUnavailable(set *source.Set, now time.Time) {
	s.set(api.SourceUnavailable, set.Unavailable, now)
	s.takeParts(set, nil, now)
}

// takePlan takes a set and its plan.
func (s *sources) takePlan(set *source.Set, plan *desired.Plan, now time.Time) {
	s.errors = slices.Clone(set.Errors)
	for _, name := range slices.Sorted(maps.Keys(plan.Problems)) {
		e := plan.Problems[name]
		_, described := slices.BinarySearchFunc(set.Specs, name, func(s *spec.Spec, name string) int { return cmp.Compare(s.Name, name) })
		if described && !slices.Contains(s.errors, e) {
			s.errors = append(s.errors, e)
		}
	}
	s.takeParts(set, plan.HeldRoots, now)
	switch {
	case plan.Held != nil:
		if s.state != api.SourceHeld {
			s.log.Warn(plan.Held.Message, zap.String("hint", plan.Held.Hint))
		}
		s.set(api.SourceHeld, plan.Held, now)
	case set.Degraded != nil:
		s.set(api.SourceDegraded, set.Degraded, now)
	default:
		s.set(api.SourceOK, nil, now)
	}
}

// nothingRead notes that the sources were silent for firstSnapshotWait after the start, and that
// the server continues without specs.
func (s *sources) nothingRead(now time.Time) {
	s.takeUnavailable(&source.Set{Unavailable: &spec.Error{
		Code: merge.CodeNotRead, Message: s.directory + " is still being read for the first time",
		Hint: "look whether this machine reaches it; what was served before is served on", Pos: spec.Position{File: s.directory},
	}}, now)
	s.log.Warn("the specs have not been read yet: Envoys keep what they run",
		zap.String("source", s.directory), zap.Duration("after", firstSnapshotWait))
}

// takeParts takes from a set how each source is, and logs each source that cannot be read any
// more.
func (s *sources) takeParts(set *source.Set, held []string, now time.Time) {
	parts := set.Parts
	if parts == nil {
		parts = []source.Part{{
			Root: s.directory, Specs: len(set.Specs), Errors: len(set.Errors),
			Unavailable: set.Unavailable, Degraded: set.Degraded,
		}}
	}
	before := s.parts
	failed := s.follow(parts, held, now)
	s.tellLosses(before, now)
	for _, e := range failed {
		fields := []zap.Field{
			zap.String("source", e.Pos.File), zap.String("code", e.Code), zap.String("problem", e.Message), zap.String("hint", e.Hint),
		}
		if e.Code == restart.CodeFailed {
			s.log.Error("a source has ended: it is started again, what was served of it is served on", fields...)
		} else {
			s.log.Warn("a source cannot be read: what was served of it is served on", fields...)
		}
	}
}

// tellLosses publishes which sources are lost or back. before is how they were.
func (s *sources) tellLosses(before []part, now time.Time) {
	for i, p := range s.parts {
		was := i < len(before) && before[i].isLost()
		switch {
		case p.isLost() && !was:
			e := api.Event{Type: api.EventSourceLost, Name: p.name, State: string(p.state), Time: now}
			e.Message = "the source " + p.name + " lost all of its specs at once: its filters stay as they were"
			if p.err != nil {
				e.Problem, e.Error = api.FromSpec(p.err), p.err.Code
				e.Message = "the source " + p.name + " cannot be read, and its filters stay as they were: " + p.err.Message
			}
			s.hub.Publish(e)
		case was && !p.isLost():
			s.hub.Publish(api.Event{
				Type: api.EventSourceBack, Name: p.name, State: string(p.state), Time: now,
				Message: "the source " + p.name + " can be read again",
			})
		}
	}
}

// isLost says whether the source gives no specs although it did, or should.
func (p part) isLost() bool { return p.state == api.SourceUnavailable || p.state == api.SourceHeld }

// follow takes how the sources are now, and returns the new errors of sources that cannot be read.
// held are the roots of the sources that lost all specs at once; "" is the only source.
func (s *sources) follow(given []source.Part, held []string, now time.Time) (failed []*spec.Error) {
	parts := make([]part, len(given))
	for i, p := range given {
		one := part{name: p.Root, state: api.SourceOK, since: now, specs: p.Specs, errors: p.Errors}
		switch {
		case p.Unavailable != nil && p.Unavailable.Code == merge.CodeNotRead:
			one.state, one.err = api.SourceReading, p.Unavailable
		case p.Unavailable != nil:
			one.state, one.err = api.SourceUnavailable, p.Unavailable
		case slices.Contains(held, p.Root) || len(given) == 1 && len(held) > 0:
			one.state = api.SourceHeld
		case p.Degraded != nil:
			one.state, one.err = api.SourceDegraded, p.Degraded
		}
		before := part{}
		if i < len(s.parts) {
			before = s.parts[i]
		}
		if before.state == one.state {
			one.since = before.since
		}
		if one.state == api.SourceUnavailable && (before.err == nil || before.err.Message != one.err.Message) {
			failed = append(failed, one.err)
		}
		parts[i] = one
	}
	s.parts = parts
	return failed
}

// newErrors returns the errors of a set's documents that the former set did not have. takeParts
// logs unreadable sources.
func (s *sources) newErrors(set *source.Set) []*spec.Error {
	known := map[string]bool{}
	for _, e := range s.errors {
		known[e.Error()] = true
	}
	return slices.DeleteFunc(slices.Clone(set.Errors), func(e *spec.Error) bool {
		return known[e.Error()] || slices.ContainsFunc(set.Parts, func(p source.Part) bool { return p.Unavailable == e })
	})
}

// answer is the answer of the API.
func (s *sources) answer() api.Source {
	out := api.Source{Directory: s.directory, State: s.state, Since: s.since, Error: api.FromSpec(s.err), Errors: s.apiErrors()}
	for _, p := range s.parts {
		one := api.SourcePart{Name: p.name, State: p.state, Error: api.FromSpec(p.err), Since: p.since, Specs: p.specs, Problems: p.errors}
		if p.state == api.SourceHeld {
			one.Error = out.Error
		}
		out.Sources = append(out.Sources, one)
	}
	return out
}

// outcome is the error of all sources together in the answer of a sync, and the errors of
// documents.
func (s *sources) outcome() (err *api.Error, documents []*api.Error) {
	if s.state == api.SourceHeld || s.state == api.SourceUnavailable {
		err = api.FromSpec(s.err)
	}
	return err, s.apiErrors()
}

// apiErrors are the errors of documents.
func (s *sources) apiErrors() (all []*api.Error) {
	for _, e := range s.errors {
		all = append(all, api.FromSpec(e))
	}
	return all
}
