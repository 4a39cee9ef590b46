package control

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/merge"
	"github.com/wasm-xds/wasm-xds/pkg/source/restart"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// sourceStatus is the state of all sources together, and of each source.
type sourceStatus struct {
	state  api.SourceState
	err    *spec.Error
	errors []*spec.Error
	since  time.Time
	parts  []sourcePart
}

// sourcePart is the state of a source.
type sourcePart struct {
	name          string
	state         api.SourceState
	err           *spec.Error
	since         time.Time
	specs, errors int
}

// runSource hands over sets until ctx ends. An ended source is started again.
func (c *Control) runSource(ctx context.Context) {
	// Run returns with ctx alone.
	_ = c.cfg.Source.Run(ctx, func(s source.Set) { c.post(newSet{s}) })
}

// noteParts takes from a set the state of each source, and logs each source that cannot be read
// any more.
func (c *Control) noteParts(set *source.Set, held []string) {
	said := set.Parts
	if said == nil {
		said = []source.Part{{
			Root: c.cfg.Directory, Specs: len(set.Specs), Errors: len(set.Errors),
			Unavailable: set.Unavailable, Degraded: set.Degraded,
		}}
	}
	for _, e := range c.source.follow(said, held, time.Now()) {
		fields := []zap.Field{
			zap.String("source", e.Pos.File), zap.String("code", e.Code), zap.String("problem", e.Message), zap.String("hint", e.Hint),
		}
		if e.Code == restart.CodeFailed {
			c.cfg.Logger.Error("a source has ended: it is started again, what was served of it is served on", fields...)
		} else {
			c.cfg.Logger.Warn("a source cannot be read: what was served of it is served on", fields...)
		}
	}
}

// follow takes the present states of the sources, and returns the new errors of sources that
// cannot be read. held are the roots of the sources that lost all specs at once; "" is the only
// source.
func (s *sourceStatus) follow(said []source.Part, held []string, now time.Time) (failed []*spec.Error) {
	parts := make([]sourcePart, len(said))
	for i, p := range said {
		one := sourcePart{name: p.Root, state: api.SourceOK, since: now, specs: p.Specs, errors: p.Errors}
		switch {
		case p.Unavailable != nil && p.Unavailable.Code == merge.CodeNotRead:
			one.state, one.err = api.SourceReading, p.Unavailable
		case p.Unavailable != nil:
			one.state, one.err = api.SourceUnavailable, p.Unavailable
		case slices.Contains(held, p.Root) || len(said) == 1 && len(held) > 0:
			one.state = api.SourceHeld
		case p.Degraded != nil:
			one.state, one.err = api.SourceDegraded, p.Degraded
		}
		before := sourcePart{}
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

// setSource notes the state of all sources together.
func (c *Control) setSource(state api.SourceState, err *spec.Error) {
	if c.source.state != state {
		c.source.since = time.Now()
	}
	c.source.state, c.source.err = state, err
	c.hub.Publish(api.Event{Type: api.EventSource, State: string(state), Time: time.Now()})
}

// Source returns the state of the sources.
func (c *Control) Source() api.Source {
	out := api.Source{Directory: c.cfg.Directory, State: api.SourceReading}
	c.ask(func() {
		out.State, out.Since = c.source.state, c.source.since
		out.Error = apiError(c.source.err)
		for _, e := range c.source.errors {
			out.Errors = append(out.Errors, apiError(e))
		}
		for _, p := range c.source.parts {
			one := api.SourcePart{Name: p.name, State: p.state, Error: apiError(p.err), Since: p.since, Specs: p.specs, Problems: p.errors}
			if p.state == api.SourceHeld {
				one.Error = out.Error
			}
			out.Sources = append(out.Sources, one)
		}
	})
	return out
}

// nothingRead notes that the source was silent for firstSnapshotWait after the start, and that
// the server continues without specs.
func (c *Control) nothingRead() {
	c.setSource(api.SourceUnavailable, &spec.Error{
		Code: merge.CodeNotRead, Message: c.cfg.Directory + " is still being read for the first time",
		Hint: "look whether this machine reaches it; what was served before is served on", Pos: spec.Position{File: c.cfg.Directory},
	})
	c.noteParts(&source.Set{Unavailable: c.source.err}, nil)
	c.cfg.Logger.Warn("the specs have not been read yet: Envoys keep what they run",
		zap.String("source", c.cfg.Directory), zap.Duration("after", firstSnapshotWait))
}

// untilLate returns how long the start still waits for a first set, and for its downloads. ok is
// false when the start waits for nothing.
func (c *Control) untilLate() (wait time.Duration, ok bool) {
	switch {
	case c.firstSet.IsZero() && c.source.state == api.SourceReading:
		return time.Until(c.began.Add(firstSnapshotWait)), true
	case c.waitsForDownloads():
		return time.Until(c.firstSet.Add(firstSnapshotWait)), true
	default:
		return 0, false
	}
}

// openLate lets the listeners start when the start has waited long enough.
func (c *Control) openLate() {
	if c.firstSet.IsZero() {
		if c.source.state == api.SourceReading && time.Since(c.began) >= firstSnapshotWait {
			c.nothingRead()
			c.open()
		}
		return
	}
	if c.ready.Load() {
		return
	}
	if c.set != nil && !c.waitsForDownloads() && len(c.running) == 0 || time.Since(c.firstSet) >= firstSnapshotWait {
		c.open()
	}
}
