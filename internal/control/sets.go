package control

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// takeSet takes a new set. An unreadable source changes no filter.
func (c *Control) takeSet(ctx context.Context, set source.Set) {
	if c.firstSet.IsZero() {
		c.firstSet = time.Now()
	}
	if set.Unavailable != nil {
		c.setSource(api.SourceUnavailable, set.Unavailable)
		c.noteParts(&set, nil)
		c.open()
		return
	}
	c.logErrors(&set)
	c.set = &set
	c.replan(ctx)
}

// logErrors logs the new problems of a set.
func (c *Control) logErrors(set *source.Set) {
	known := map[string]bool{}
	for _, e := range c.source.errors {
		known[e.Error()] = true
	}
	for _, e := range set.Errors {
		// noteParts logs unreadable sources.
		ofPart := slices.ContainsFunc(set.Parts, func(p source.Part) bool { return p.Unavailable == e })
		if !known[e.Error()] && !ofPart {
			c.cfg.Logger.Warn("a spec has an error: "+c.meanwhile(e.Name),
				zap.String("filter", e.Name), zap.String("at", e.Pos.String()), zap.String("code", e.Code),
				zap.String("problem", e.Message), zap.String("hint", e.Hint))
		}
	}
}

// replan starts the missing jobs and checks, and publishes the wanted filters as far as they are
// known. Jobs with local files delay the plan: a change makes a single snapshot.
func (c *Control) replan(ctx context.Context) {
	if c.set == nil {
		return
	}
	c.watchTags()
	c.followSet()
	if c.syncs.reading = c.startJobs(ctx); c.syncs.reading {
		return
	}
	open := c.outcomes(ctx)
	c.syncs.open = open
	c.entries.settle()
	p := desired.Make(desired.Input{
		Previous: c.snapshot, Set: *c.set, Made: c.entries.made, Unfinished: open, Pins: c.plan.Pins,
		Delivery: c.cfg.Delivery, AllowEmpty: c.cfg.AllowEmpty,
	})
	c.addTagProblems(&p)
	c.plan = p
	c.describeSource()
	c.publish(c.snapshot.With(p.Filters))
	if !c.waitsForDownloads() {
		c.open()
	}
}

func (c *Control) takeResult(ctx context.Context, key string, r result) {
	delete(c.running, key)
	c.results[key] = r
	if r.err == nil {
		c.jobRetries.ended(key)
		c.learnTag(key, r)
		return
	}
	c.cfg.Logger.Warn("a spec's module or configuration cannot be had: "+c.meanwhile(r.err.Name),
		zap.String("filter", r.err.Name), zap.String("at", r.err.Pos.String()), zap.String("code", r.err.Code),
		zap.String("problem", r.err.Message), zap.String("hint", r.err.Hint))
	if module.Retryable(r.err) {
		c.jobRetries.failed(key, pausesAfter(r.err), time.Now())
	}
}

func (c *Control) describeSource() {
	c.source.errors = slices.Clone(c.set.Errors)
	for _, name := range slices.Sorted(maps.Keys(c.plan.Problems)) {
		e := c.plan.Problems[name]
		_, described := slices.BinarySearchFunc(c.set.Specs, name, func(s *spec.Spec, name string) int { return cmp.Compare(s.Name, name) })
		if described && !slices.Contains(c.source.errors, e) {
			c.source.errors = append(c.source.errors, e)
		}
	}
	c.noteParts(c.set, c.plan.HeldRoots)
	switch {
	case c.plan.Held != nil:
		if c.source.state != api.SourceHeld {
			c.cfg.Logger.Warn(c.plan.Held.Message, zap.String("hint", c.plan.Held.Hint))
		}
		c.setSource(api.SourceHeld, c.plan.Held)
	case c.set.Degraded != nil:
		c.setSource(api.SourceDegraded, c.set.Degraded)
	default:
		c.setSource(api.SourceOK, nil)
	}
}

// publish serves the snapshot from now on.
func (c *Control) publish(s *snapshot.Snapshot) {
	names := snapshot.Diff(c.snapshot, s)
	if c.fromState {
		c.fromState = false
		c.collectSoon() // the previous process may have left modules
	}
	if len(names) == 0 {
		return
	}
	before := c.snapshot
	c.served.add(s, names)
	c.changeSnapshot(s)
	c.unlogged = append(c.unlogged, change{before, s, names})
	c.step(delivery.SnapshotChanged{Snapshot: s}) // may forget some filters
	c.hub.Publish(api.Event{Type: api.EventSnapshot, Name: c.snapshot.Version(), Time: time.Now()})
}

// changeSnapshot notes the snapshot that is served from now on.
func (c *Control) changeSnapshot(s *snapshot.Snapshot) {
	if s.Version() != c.snapshot.Version() {
		c.published = time.Now()
		c.cfg.Metrics.SnapshotChanged()
	}
	c.snapshot = s
}

// change is the replacement of a snapshot.
type change struct {
	before, now *snapshot.Snapshot
	names       []string // of the changed filters
}

// logChanges logs the changes of snapshots. A push takes little longer than a log line, and comes
// first.
func (c *Control) logChanges() {
	for _, change := range c.unlogged {
		c.logChange(change.before, change.now, change.names)
	}
	c.unlogged = nil
}

func (c *Control) logChange(former, s *snapshot.Snapshot, names []string) {
	const most = 20
	for i, name := range names {
		if i == most {
			c.cfg.Logger.Info("more filters changed", zap.Int("count", len(names)-most))
			break
		}
		f, before := s.Get(name), former.Get(name)
		if f == nil {
			continue
		}
		fields := []zap.Field{zap.String("filter", name), zap.String("spec", f.SpecFile)}
		if f.Revision != nil {
			fields = append(fields, zap.String("revision", f.Revision.ID))
		}
		switch {
		case f.Removed && f.OnRemove == spec.Passthrough && f.Policy != spec.Open:
			c.cfg.Logger.Warn("a closed filter is opened: its spec was removed with onRemove: passthrough", fields...)
		case f.Removed && (before == nil || !before.Removed):
			c.cfg.Logger.Info("a spec was removed", append(fields, zap.String("onRemove", string(f.OnRemove)))...)
		case f.Disabled && (before == nil || !before.Disabled):
			c.cfg.Logger.Info("a filter was disabled: pass-through", fields...)
		default:
			c.cfg.Logger.Info("a filter changed", fields...)
		}
	}
}

// open lets the listeners start: there is a snapshot to serve.
func (c *Control) open() {
	if c.ready.CompareAndSwap(false, true) {
		close(c.loaded)
	}
}

// waitsForDownloads says whether a start without any state still waits for downloads or for the
// sandbox, so that Envoys do not get a stand-in first.
func (c *Control) waitsForDownloads() bool {
	if c.ready.Load() || c.set == nil || time.Since(c.firstSet) >= firstSnapshotWait {
		return false
	}
	if c.checks.Waits() {
		return true
	}
	for key := range c.running {
		if strings.HasPrefix(key, downloadKey) {
			return true
		}
	}
	return false
}
