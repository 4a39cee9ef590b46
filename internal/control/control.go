package control

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Control owns the state. Any goroutine may call the exported methods.
type Control struct {
	cfg     Config
	inbox   *inbox
	startup startup
	hub     events.Hub
	served  served
	known   atomic.Pointer[snapshot.Snapshot]
	fleet   atomic.Pointer[Replicas]

	// The following fields belong to Run's goroutine.
	view      *report.View // the state
	workers   *workers
	deliverer deliverer
	sources   *sources
	saves     saves
	garbage   garbage
	mending   mending
	syncs     syncs
	journal   journal
	chronicle chronicle
	notices   *notices
	replicas  replicas
}

// New makes a control that continues from the state in cfg.Files.
func New(cfg Config) *Control {
	cfg = cfg.withDefaults()
	c := &Control{cfg: cfg, inbox: newInbox(), startup: startup{loaded: make(chan struct{})}, journal: journal{log: cfg.Logger}}
	c.workers, c.sources, c.view = newWorkers(c.inbox, cfg), newSources(cfg, &c.hub), newView(cfg)
	writer := persist.NewWriter(cfg.Files, cfg.Store)
	c.chronicle = chronicle{view: c.view, workers: c.workers, writer: writer, log: cfg.Logger}
	c.saves = saves{
		workers: c.workers, writer: writer, log: cfg.Logger, sandbox: cfg.Sandbox, metrics: cfg.Metrics, view: c.view, history: &c.chronicle,
	}
	c.replicas = newReplicas(cfg, c.inbox, c.workers, &c.fleet)
	c.notices = newNotices(cfg, c.view, &c.hub, time.Now())
	c.deliverer = deliverer{
		view: c.view, hub: &c.hub, served: &c.served, metrics: cfg.Metrics, journal: &c.journal, saves: &c.saves, garbage: &c.garbage, known: &c.known,
		chronicle: &c.chronicle, notices: c.notices, tracing: c.notices.tracing, replicas: &c.replicas,
	}
	c.known.Store(c.view.Snapshot)
	if c.view.FromState {
		c.served.replace(namedModules(c.view, time.Now()))
		c.startup.complete()
	}
	return c
}

// Loaded is closed when there is a snapshot to serve, from the state or the source.
func (c *Control) Loaded() <-chan struct{} { return c.startup.loaded }

// Serves says whether a servable revision names the module.
func (c *Control) Serves(sha256 string) bool { return c.served.has(sha256) }

// Run owns the state until ctx ends. Run returns after the end of all its goroutines.
func (c *Control) Run(ctx context.Context, sender Sender) error {
	c.deliverer.sender = sender
	ctx, cancel := context.WithCancel(ctx)
	defer c.workers.Wait()
	defer close(c.inbox.done)
	defer cancel()
	c.view.Began = time.Now()
	c.chronicle.load(c.cfg.Files, c.cfg.History)
	c.workers.Go(func() {
		// The source returns with ctx alone.
		_ = c.cfg.Source.Run(ctx, func(s source.Set) { c.inbox.post(newSet{s}) })
	})
	c.replicas.run(ctx)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			c.journal.flush()
			c.saves.last()
			c.notices.tracing.End(time.Now())
			return nil
		case message := <-c.inbox.messages:
			c.take(ctx, message)
		case event := <-c.inbox.events:
			c.take(ctx, event)
		case one := <-c.inbox.beginnings:
			c.take(ctx, one)
		case <-timer.C:
			c.deliverer.step(delivery.Woken{})
			if c.startup.late(c.view.Specs, c.sources.silent(), c.view.Began, time.Now()) {
				c.sources.nothingRead(time.Now())
			}
		}
		// Take the waiting messages without another look at the clock.
		c.inbox.waiting(func(message any) { c.take(ctx, message) })
		timer.Reset(c.startDue(ctx))
	}
}

// startDue starts everything that is due, and returns how long the loop may sleep while the inbox
// is empty.
func (c *Control) startDue(ctx context.Context) time.Duration {
	now := time.Now()
	if !c.saves.unsettled.Blocks() {
		c.journal.flush()
		c.chronicle.start(ctx, now)
	}
	if c.view.Specs.Wake(now) {
		c.advance(ctx)
	}
	c.startChecks(ctx)
	if c.syncs.ready(c.view.Specs, c.view.Tags, now) {
		c.syncs.answer(c.synced())
	}
	for reference, module := range c.view.Tags.Begin(now) {
		c.workers.poll(ctx, reference, module)
	}
	c.saves.start(now)
	if c.garbage.isDue(now) {
		c.collect(now)
	}
	wait, next := time.Minute, pause.Earliest(c.view.Specs.Next(), c.view.Tags.Due(), c.saves.state.Due(), c.saves.unsettled.Due(),
		c.saves.findings.Due(), c.chronicle.due(c.saves.unsettled.Blocks()), c.garbage.due, c.startup.due(c.view.Specs, c.sources.silent(), c.view.Began, now))
	if at, ok := c.view.Machine.Next(); ok {
		wait = min(wait, time.Until(at))
	}
	if !next.IsZero() {
		wait = min(wait, time.Until(next))
	}
	return max(wait, 0)
}

// take takes a message: see messages.go for the list.
func (c *Control) take(ctx context.Context, message any) {
	switch message := message.(type) {
	case newSet:
		c.takeSet(ctx, message.set)
	case tasksEnded:
		c.takeResults(ctx, message)
	case downloadWaits:
		if c.view.Specs.TakeWait(message.task, message.why) {
			c.deliverer.publishFilter(message.task.Name) // all filters with the download show the reason
		}
	case checkIsSlow:
		end, publish := c.view.Specs.Checks().Queue.Slow(message.check)
		if end {
			message.check.Cancel()
		}
		c.checked(ctx, publish)
	case checkEnded:
		c.takeCheck(ctx, message)
	case tags.Poll:
		c.takePoll(ctx, message)
	case mendDue:
		c.mend(ctx)
	case stateSaved:
		if c.saves.takeState(message, time.Now()) {
			c.garbage.soon()
		}
	case unsettledSaved:
		ready, again := c.saves.takeUnsettled(message.err)
		c.deliverer.send(ready)
		if again {
			c.saves.writeUnsettled()
		}
	case findingsSaved:
		c.saves.takeFindings(message.err)
	case ledgerTold, sendNoted:
		c.deliverer.takeFromLedger(message)
	case historyLoaded, historySaved, described, appraised:
		c.chronicle.take(message, time.Now())
	case *syncRequest:
		c.syncs.add(message)
	case question:
		message.run(ctx)
		close(message.answered)
	case []delivery.Event:
		for _, e := range message {
			c.deliverer.takeEvent(e)
		}
	case delivery.Event:
		c.deliverer.takeEvent(message)
		if _, failed := message.(delivery.BuildFailed); failed {
			c.mendSoon(ctx)
		}
	}
}

// takeSet takes a new set. An unreadable source changes no filter.
func (c *Control) takeSet(ctx context.Context, set source.Set) {
	c.startup.setCame(time.Now())
	if set.Unavailable != nil {
		c.sources.takeUnavailable(&set, time.Now())
		c.startup.complete()
		return
	}
	for _, e := range c.sources.newErrors(&set) {
		c.refuse("a spec has an error: ", api.CauseSpec, "", e)
	}
	c.view.Specs.TakeSet(&set)
	served := func(filter string) bool {
		f := c.view.Snapshot.Get(filter)
		return f != nil && !f.Removed
	}
	// A document with an error may name tags that no valid spec names.
	if c.view.Tags.Watch(set.Specs, len(set.Errors) > 0, served, time.Now()) {
		c.saves.stateSoon()
	}
	c.advance(ctx)
}

// takeResults takes the results of reads.
func (c *Control) takeResults(ctx context.Context, m tasksEnded) {
	c.workers.stop(m.tasks)
	c.notices.tracing.read(m, time.Now())
	counts := false
	for i, task := range m.tasks {
		taken, learned := c.view.Specs.TakeResult(task, m.results[i], time.Now())
		if counts = counts || taken; taken && m.results[i].Err != nil {
			c.refuse(unread, api.CauseModule, "", m.results[i].Err)
		}
		if learned {
			c.saves.stateSoon()
		}
	}
	if !counts {
		return // no spec wants the download any more
	}
	c.advance(ctx)
	if c.mending.ended(m.tasks) {
		c.deliverer.step(delivery.ModulesRestored{})
	}
}

// refuse tells that a spec's newest content is not served.
func (c *Control) refuse(text string, cause api.Cause, revision string, e *spec.Error) {
	c.journal.problem(text+meanwhile(c.view, e.Name), e)
	c.notices.refuseSpec(cause, revision, e, time.Now())
}

// takeCheck takes the end of a check.
func (c *Control) takeCheck(ctx context.Context, m checkEnded) {
	c.notices.tracing.checked(m, time.Now())
	publish, found := c.view.Specs.TakeCheck(m.End, time.Now())
	if found {
		c.saves.findingsSoon()
	}
	switch {
	case m.Cancelled:
	case m.Err != nil:
		c.refuse(unread, api.CauseModule, "", m.Err)
	default:
		c.cfg.Metrics.Preflighted(firstCode(m.Findings), m.took)
	}
	c.checked(ctx, publish)
}

// checked starts the next checks, and makes a plan if one is due.
func (c *Control) checked(ctx context.Context, publish bool) {
	c.startChecks(ctx)
	if publish {
		c.advance(ctx)
	}
}

// startChecks starts checks for as long as there are free places.
func (c *Control) startChecks(ctx context.Context) {
	queue, now := c.view.Specs.Checks().Queue, time.Now()
	for k := queue.Next(now); k != nil; k = queue.Next(now) {
		c.workers.check(ctx, k)
	}
}

// takePoll takes the answer of a poll. A new digest becomes a new revision, as an edit does: the
// module is fetched, checked and rolled out.
func (c *Control) takePoll(ctx context.Context, p tags.Poll) {
	moves := c.view.Tags.Answer(p, time.Now())
	c.journal.polled(p, moves)
	for _, one := range moves.Stayed {
		c.deliverer.publishFilter(one.Filter)
	}
	if len(moves.Moved) > 0 {
		c.saves.stateSoon()
	}
	if len(moves.Moved) > 0 || moves.Shown {
		c.advance(ctx)
	}
}

// advance brings the specs as far as they can go now, and serves the wanted filters as far as they
// are known.
func (c *Control) advance(ctx context.Context) {
	v := c.view
	if v.Specs.Set() == nil {
		return
	}
	work := v.Specs.Advance(time.Now())
	c.notices.tracing.begun(work.Begun, time.Now())
	c.workers.stop(work.Stop)
	c.workers.read(ctx, work.Start)
	if work.Wait {
		return
	}
	for _, k := range work.Cancel {
		k.Cancel()
	}
	c.startChecks(ctx)
	for range work.Known {
		c.cfg.Metrics.PreflightKnown()
	}
	for _, n := range work.News {
		if n.Err != nil {
			c.refuse("the sandbox refuses a revision: ", api.CauseSandbox, n.Revision, n.Err)
		}
		for _, w := range n.Warnings {
			c.journal.problem("a warning about a revision", w)
		}
	}
	v.Plan = desired.Make(desired.Input{
		Previous: v.Snapshot, Set: *v.Specs.Set(), Made: v.Specs.Made(), Unfinished: v.Specs.Unfinished(), Pins: v.Plan.Pins,
		Delivery: c.cfg.Delivery, AllowEmpty: c.cfg.AllowEmpty,
	})
	for s, e := range v.Specs.TagProblems {
		if v.Plan.Problems[s.Name] == nil {
			v.Plan.Problems[s.Name] = e
		}
	}
	c.sources.takePlan(v.Specs.Set(), &v.Plan, time.Now())
	c.deliverer.publish(v.Snapshot.With(v.Plan.Filters))
	c.notices.tracing.settled()
	if !c.startup.waits(v.Specs, time.Now()) {
		c.startup.complete()
	}
}

// mendSoon repairs the modules, at once or after the pause.
func (c *Control) mendSoon(ctx context.Context) {
	if c.mending.later {
		return
	}
	wait := time.Until(c.mending.next(time.Now()))
	if wait <= 0 {
		c.mend(ctx)
		return
	}
	c.mending.later = true
	c.workers.after(ctx, wait, mendDue{})
}

// mend has all modules read again.
func (c *Control) mend(ctx context.Context) {
	c.view.Specs.Reread()
	c.advance(ctx)
	waits := map[*track.Task]struct{}{}
	for task := range c.view.Specs.Running {
		waits[task] = struct{}{}
	}
	c.mending.begin(time.Now(), waits)
	if !c.mending.waitsForFiles() {
		c.deliverer.step(delivery.ModulesRestored{}) // a further failure starts the next mend
	}
}

// collect removes the unnamed modules. The modules of reads under way stay: they are in a
// result, or are younger than the read.
func (c *Control) collect(now time.Time) {
	c.garbage.begin()
	if c.view.FromState || !c.saves.state.Idle() {
		return // the state on disk may still name other modules; each save schedules a search
	}
	c.view.Specs.Trim()
	named := c.garbage.search(namedModules(c.view, now), now)
	c.served.replace(named)
	c.workers.collect(c.cfg.Store, named, oldest(c.view.Specs, now), c.cfg.Logger)
}

// synced is the outcome of the newest set.
func (c *Control) synced() api.Sync {
	out := report.Sync(c.view)
	out.Error, out.Errors = c.sources.outcome()
	return out
}
