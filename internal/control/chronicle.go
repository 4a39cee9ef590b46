package control

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/record"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// The times of the record. Nothing waits for the record, so it keeps out of the way of pushes.
const (
	historyEvery = time.Second            // between a change and its save
	lookEvery    = 100 * time.Millisecond // between a change of a filter and a look at it
	// appraiseAfter is the quiet time without an edit before a cost is measured: the sandbox
	// compiles the module then, which takes a core for a while.
	appraiseAfter = 10 * time.Second
	// burstAfter is the quiet time after a change of many filters at once, as at the first start:
	// the modules are read for the record when their Envoys have them.
	burstAfter = 5 * time.Second
)

// The largest numbers at a time.
const (
	looksAtOnce     = 256
	describedAtOnce = 256
	burst           = 64      // revisions to describe from which on the record waits
	mostJobs        = 1 << 14 // revisions to describe from which on it waits no more
	mostCostly      = 64      // revisions to measure the cost of; after a burst, older ones have none
)

// commitPauses are the times after which a commit is looked for again if the file differs from it.
// A checkout writes its files first, and says afterwards which commit they are.
var commitPauses = [...]time.Duration{2 * time.Second, 30 * time.Second}

// chronicle keeps the record of filters. It belongs to Run's goroutine.
type chronicle struct {
	view     *report.View // its Record is nil until the record is read
	workers  *workers
	writer   *persist.Writer
	log      *zap.Logger
	key      []byte
	early    []func(*record.Book) // changes before the record is read
	save     persist.Delay
	touched  map[string]struct{} // filters to look at
	lookDue  time.Time           // zero: no filter is to be looked at
	jobs     []description
	later    []description // commits to look for again
	busy     bool          // a description runs
	edited   time.Time     // the last edit
	costly   []string      // filters to measure the cost of
	measures func()        // cancels the running measurement; nil: none
}

// load reads the record on another goroutine: an Envoy waits for the state, and not for the record.
func (c *chronicle) load(files persist.Files, limit int) {
	c.workers.Go(func() {
		book, key := persist.LoadHistory(files, limit, c.log)
		c.workers.inbox.post(historyLoaded{book, key})
	})
}

// take takes a message about the record.
func (c *chronicle) take(message any, now time.Time) {
	switch m := message.(type) {
	case historyLoaded:
		c.takeBook(m, now)
	case historySaved:
		c.takeSaved(m)
	case described:
		c.takeDescribed(m, now)
	case appraised:
		c.takeAppraised(m, now)
	}
}

// takeBook goes on with a former record. Revisions that an earlier version has served without a
// record are added.
func (c *chronicle) takeBook(m historyLoaded, now time.Time) {
	c.view.Record, c.key = m.book, m.key
	for _, f := range c.view.Snapshot.All() {
		c.addPast(f)
	}
	if len(c.jobs) > burst {
		c.edited = now
	}
	for _, do := range c.early {
		do(m.book)
	}
	c.early = nil
	c.saveSoon(now)
}

// addPast adds the revisions of a filter that the record does not have yet.
func (c *chronicle) addPast(f *snapshot.Filter) {
	history := c.view.Machine.History(f.Name)
	if len(c.view.Record.Entries(f.Name)) > 0 {
		history = history[:min(1, len(history))]
	}
	for _, s := range slices.Backward(history) {
		one := snapshot.Filter{Name: f.Name, Revision: s.Revision, SpecFile: s.Wish.SpecFile}
		if f.Revision != nil && f.Revision.ID == s.Revision.ID {
			one = *f
		}
		if c.view.Record.Want(&one, s.Wish.At) {
			job := description{revision: s.Revision}
			if f.Revision != nil && f.Revision.ID == s.Revision.ID {
				job.filter = f
			}
			c.jobs = append(c.jobs, job)
		}
	}
	c.touch(f.Name, time.Now())
}

// change changes the record now, or once it is read.
func (c *chronicle) change(do func(*record.Book)) {
	if c.view.Record == nil {
		c.early = append(c.early, do)
		return
	}
	do(c.view.Record)
	c.saveSoon(time.Now())
}

func (c *chronicle) saveSoon(now time.Time) {
	if c.view.Record.Unsaved() {
		c.save.Soon(now, historyEvery)
	}
}

// published notes that filters have changed.
func (c *chronicle) published(one change, now time.Time) {
	for _, name := range one.names {
		f := one.now.Get(name)
		if f == nil {
			continue
		}
		if f.Revision == nil {
			c.touch(name, now)
			continue
		}
		c.change(func(b *record.Book) { b.Want(f, now) })
		_, pinned := c.view.Plan.Pins[name]
		c.jobs = append(c.jobs, description{revision: f.Revision, filter: f, pinned: pinned})
		c.touch(name, now)
		c.edited = now
		if len(one.names) <= mostCostly {
			c.wantCost(name)
		}
	}
	if c.measures != nil && len(one.names) > 0 {
		c.measures() // an edit comes first
	}
}

// wantCost has the cost of a filter's newest revision measured.
func (c *chronicle) wantCost(name string) {
	if c.workers.appraiser == nil {
		return
	}
	c.costly = append(slices.DeleteFunc(c.costly, func(n string) bool { return n == name }), name)
	c.costly = c.costly[max(0, len(c.costly)-mostCostly):]
}

// touch has a filter looked at soon.
func (c *chronicle) touch(name string, now time.Time) {
	if c.touched == nil {
		c.touched = map[string]struct{}{}
	}
	c.touched[name] = struct{}{}
	if c.lookDue.IsZero() {
		c.lookDue = now.Add(lookEvery)
	}
}

// refused notes the refusal of an Envoy.
func (c *chronicle) refused(a delivery.WasRefused, now time.Time) {
	c.change(func(b *record.Book) {
		b.Refuse(a.Name, a.Revision, api.Refusal{At: now, Node: a.Node, Message: a.Message})
	})
}

// did notes an action of a user on a filter's revision.
func (c *chronicle) did(name, revision string, d api.Action) {
	c.change(func(b *record.Book) { b.Did(name, revision, d) })
}

// forgotten drops a filter.
func (c *chronicle) forgotten(name string) {
	c.change(func(b *record.Book) { b.Forget(name) })
	delete(c.touched, name)
}

// due is the time of the next work; zero: there is none, or pushes come first.
func (c *chronicle) due(pushes bool) time.Time {
	if c.view.Record == nil || pushes {
		return time.Time{}
	}
	due := pause.Earliest(c.save.Due(), c.lookDue)
	if len(c.costly) > 0 && c.measures == nil && !c.busy {
		due = pause.Earliest(due, c.edited.Add(appraiseAfter))
	}
	if len(c.jobs) > 0 && !c.busy {
		due = pause.Earliest(due, c.describeAt())
	}
	for _, one := range c.later {
		due = pause.Earliest(due, one.due)
	}
	return due
}

// start starts the work that is due.
func (c *chronicle) start(ctx context.Context, now time.Time) {
	if c.view.Record == nil {
		return
	}
	if !c.lookDue.IsZero() && !now.Before(c.lookDue) {
		c.look(now)
	}
	c.again(now)
	if len(c.jobs) > 0 && !c.busy && !now.Before(c.describeAt()) {
		n := min(len(c.jobs), describedAtOnce)
		c.busy = true
		c.workers.describe(c.jobs[:n:n], c.key)
		c.jobs = c.jobs[n:]
	}
	if len(c.costly) > 0 && c.measures == nil && !c.busy && now.Sub(c.edited) >= appraiseAfter {
		c.appraise(ctx)
	}
	if c.save.Begin(now) {
		files := c.view.Record.Files()
		c.workers.Go(func() {
			failed, err := c.writer.History(files)
			c.workers.inbox.post(historySaved{failed, err})
		})
	}
}

// describeAt is the time of the next description.
func (c *chronicle) describeAt() time.Time {
	if len(c.jobs) > burst && len(c.jobs) < mostJobs {
		return c.edited.Add(burstAfter)
	}
	return c.edited
}

// look takes the outcome of the touched filters' rollouts.
func (c *chronicle) look(now time.Time) {
	c.lookDue = time.Time{}
	n := 0
	for name := range c.touched {
		if n++; n > looksAtOnce {
			c.lookDue = now
			break
		}
		delete(c.touched, name)
		c.view.Record.Look(name, report.Outcome(c.view, name), now)
	}
	c.saveSoon(now)
}

// again looks for commits again.
func (c *chronicle) again(now time.Time) {
	c.later = slices.DeleteFunc(c.later, func(d description) bool {
		if now.Before(d.due) {
			return false
		}
		if f := c.view.Snapshot.Get(d.revision.Filter); f != nil && f.Revision != nil && f.Revision.ID == d.revision.ID {
			d.filter = f
			c.jobs = append(c.jobs, d)
		}
		return true
	})
}

// takeDescribed takes the details of revisions.
func (c *chronicle) takeDescribed(m described, now time.Time) {
	c.busy = false
	for i, job := range m.jobs {
		c.view.Record.Describe(job.revision.Filter, job.revision.ID, m.details[i])
		if commit := m.details[i].Commit; commit != nil && commit.Dirty && job.tries < len(commitPauses) {
			job.due = now.Add(commitPauses[job.tries])
			job.tries++
			c.later = append(c.later, job)
		}
	}
	c.saveSoon(now)
}

// appraise starts a measurement of the newest filter that waits for one.
func (c *chronicle) appraise(ctx context.Context) {
	name := c.costly[len(c.costly)-1]
	c.costly = c.costly[:len(c.costly)-1]
	one, f := c.view.Specs.Get(name), c.view.Snapshot.Get(name)
	if one == nil || f == nil || f.Revision == nil || one.Revision() == nil || one.Revision().ID != f.Revision.ID || f.Disabled {
		return
	}
	c.measures = c.workers.appraise(ctx, one.Spec(), f.Revision)
}

// takeAppraised takes the cost of a revision.
func (c *chronicle) takeAppraised(m appraised, now time.Time) {
	c.measures = nil
	switch {
	case m.cancelled:
		c.wantCost(m.name)
	case m.cost != nil:
		c.view.Record.Describe(m.name, m.revision, record.Details{Cost: m.cost})
		c.saveSoon(now)
	}
}

// takeSaved takes the end of a write.
func (c *chronicle) takeSaved(m historySaved) {
	c.save.Ended()
	for _, number := range m.failed {
		c.view.Record.Failed(number) // the next change writes the file, too
	}
	if m.err != nil {
		c.log.Error("the history cannot be saved: a restart goes on from an older one", zap.Error(m.err))
	}
}

// last writes all unsaved changes at the end of Run.
func (c *chronicle) last(now time.Time) {
	if c.view.Record == nil {
		return
	}
	for name := range c.touched {
		c.view.Record.Look(name, report.Outcome(c.view, name), now)
	}
	if _, err := c.writer.History(c.view.Record.Files()); err != nil {
		c.log.Error("the history cannot be saved", zap.Error(err))
	}
}
