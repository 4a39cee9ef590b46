// Package control is the one goroutine that owns the state: it takes sets of
// specs from the source, has their modules resolved, and passes what is wanted
// and what happens on the streams through delivery's machine.
package control

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/moduleserver"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/restart"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Sender carries out sends without blocking.
type Sender interface {
	Send(delivery.Send)
	// Prepare is told of a send that follows in a moment.
	Prepare(delivery.Send)
	// End ends a stream that asks for too many names that no spec has.
	End(delivery.StreamID)
}

// Files keeps small files across crashes.
type Files interface {
	// Save returns when the data survives a power failure, Write when it survives the
	// process; Sync makes of the latter the former.
	Save(name string, data []byte) error
	Write(name string, data []byte) error
	Sync(name string) error
	Load(name string) ([]byte, error)
}

// ModuleStore is where the modules lie.
type ModuleStore interface {
	// Sync returns when all modules survive a power failure.
	Sync() error
	// Collect removes the modules that keep does not name.
	Collect(keep func(sha256 string) bool, olderThan time.Duration) (removed int, err error)
}

// Config is what a control needs. All fields are required but where they say otherwise.
type Config struct {
	Source    source.Source
	Directory string // as the status shows it
	Modules   ModuleResolver
	Store     ModuleStore
	StandIns  *StandIns
	Files     Files
	Metrics   *admin.Metrics // nil: none
	Logger    *zap.Logger
	// Delivery is for specs that name none; "" is remote.
	Delivery spec.Delivery
	// Keys are files with public keys, by one of which every module must be signed; nil:
	// only what its spec asks for. The source watches them.
	Keys []string
	// AllowEmpty lets all specs be removed at once.
	AllowEmpty bool
	// Examiner puts filters through the sandbox; nil: none is. Preflight says what becomes of
	// what it finds, "" is enforce. What it said is believed by a later process for which
	// Sandbox is the same. HostEnv are the values that it has for names in vm.hostEnv.
	Examiner  Examiner
	Preflight examine.Mode
	Sandbox   string
	HostEnv   map[string]string
	// Policy are delivery's times; the zero value is its defaults. Epoch and
	// Substitutes are set here.
	Policy delivery.Config
}

// Control is the owner of the state. Its exported methods may be called from any goroutine.
type Control struct {
	cfg      Config
	inbox    chan any
	done     chan struct{} // closed when Run has ended
	loaded   chan struct{} // closed when there is a snapshot
	workers  sync.WaitGroup
	hub      admin.Hub
	served   served
	limits   limits
	visitors visitors
	ready    atomic.Bool

	// What follows belongs to Run's goroutine.
	machine    *delivery.Machine
	sender     Sender
	snapshot   *snapshot.Snapshot
	unlogged   []change
	published  time.Time
	fromState  bool
	plan       plan
	set        *source.Set // nil: none yet
	began      time.Time   // Run
	firstSet   time.Time   // zero: none yet
	entries    entries
	results    map[string]result
	running    map[string]time.Time // when each job under way began, by key
	downloads  downloads            // those of them that come over the network
	jobRetries jobRetries
	checks     *checkQueue
	verdicts   verdicts
	source     sourceStatus
	stateText  stateText // the writer's, while there is one
	saving     bool
	unsaved    bool
	saveDue    time.Time // zero: nothing to save
	saveBegan  time.Time
	lastSaved  time.Time
	saveGap    time.Duration // what has to lie between it and the next, if nothing waits for that
	garbage    garbage
	unsettled  unsettledSaver
	durable    waiters
	opened     map[delivery.StreamID]streamInfo
	tags       tags
	mending    mending
	syncs      syncs
	envoys     envoys
}

type streamInfo struct {
	node  delivery.Node
	mode  string
	since time.Time
}

// Messages of the inbox, beside delivery's events.
type (
	newSet   struct{ set source.Set }
	resolved struct {
		results map[string]result
		of      *downloading // nil: local files
	}
	waits struct {
		of   *downloading
		what transfer.Wait
	}
	mend   struct{}
	polled struct {
		reference string
		digest    string
		err       *spec.Error
	}
	saved struct {
		seq uint64 // the memory's
		err error
	}

	unsettledSaved struct{ err error }
	verdictsSaved  struct{ err error }
	query          struct {
		run  func(context.Context)
		done chan struct{}
	}
)

const (
	inboxLength = 1024
	// firstSnapshotWait is how long a start without any state waits for the first set, and then
	// for downloads.
	firstSnapshotWait = 10 * time.Second
)

// New makes a control that goes on from the state in cfg.Files.
func New(cfg Config) *Control {
	if cfg.Delivery == "" {
		cfg.Delivery = spec.Remote
	}
	cfg.Source = restart.New(cfg.Directory, cfg.Source)
	c := &Control{
		cfg:       cfg,
		inbox:     make(chan any, inboxLength),
		done:      make(chan struct{}),
		loaded:    make(chan struct{}),
		downloads: downloads{},
		results:   map[string]result{},
		running:   map[string]time.Time{},
		entries:   entries{keys: cfg.Keys},
		opened:    map[delivery.StreamID]streamInfo{},
		envoys:    newEnvoys(),
		checks:    newCheckQueue(runtime.GOMAXPROCS(0)),
		snapshot:  snapshot.New(nil),
		source:    sourceStatus{state: admin.SourceReading, since: time.Now()},
		published: time.Now(),
	}
	if cfg.Preflight == "" {
		c.cfg.Preflight = examine.Enforce
	}
	var verdicts sync.WaitGroup
	verdicts.Go(c.loadVerdicts) // which touches nothing else
	c.restore()
	verdicts.Wait()
	return c
}

// Loaded is closed when there is a snapshot to serve, from the state or the source.
func (c *Control) Loaded() <-chan struct{} { return c.loaded }

// Handle takes one of delivery's events. It blocks while the control is busy, and
// drops the event when it has ended.
func (c *Control) Handle(e delivery.Event) { c.post(e) }

// FetchStarted and FetchFinished take the module server's word on a token.
func (c *Control) FetchStarted(token string) { c.post(delivery.FetchStarted{Token: token}) }

// FetchFinished says how a GET has ended.
func (c *Control) FetchFinished(token string, end moduleserver.End) {
	c.post(delivery.FetchFinished{
		Token: token, Complete: end != moduleserver.Broken, Taken: end == moduleserver.Taken,
	})
}

// Answered counts an answer of the module server.
func (c *Control) Answered(status int, bytes int64) { c.cfg.Metrics.ModuleServed(status, bytes) }

// Serves says whether some revision that may be served names the module.
func (c *Control) Serves(sha256 string) bool {
	return c.served.has(sha256)
}

func (c *Control) post(message any) {
	select {
	case c.inbox <- message:
	case <-c.done:
	}
}

// Run owns the state until ctx ends. It returns when everything it started has ended.
func (c *Control) Run(ctx context.Context, sender Sender) error {
	c.sender = sender
	ctx, cancel := context.WithCancel(ctx)
	defer c.workers.Wait()
	defer close(c.done)
	defer cancel()
	c.began = time.Now()
	c.workers.Go(func() { c.runSource(ctx) })
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			c.logChanges()
			c.saveLast()
			return nil
		case message := <-c.inbox:
			c.take(ctx, message)
			// What has come meanwhile costs no look at the clock of its own.
			for range len(c.inbox) {
				c.take(ctx, <-c.inbox)
			}
		case <-timer.C:
			c.step(delivery.Woken{})
			c.openLate()
		}
		if !c.unsettled.holds() {
			c.logChanges()
		}
		c.pollTags(ctx)
		c.retryJobs(ctx, time.Now())
		c.goOnChecking(ctx)
		c.answerSyncs(ctx)
		c.saveWhatIsDue()
		timer.Reset(c.untilNext())
	}
}

// untilNext is how long the loop may sleep when nothing comes in.
func (c *Control) untilNext() time.Duration {
	wait := time.Minute
	if at, ok := c.machine.Next(); ok {
		wait = min(wait, time.Until(at))
	}
	if late, ok := c.untilLate(); ok {
		wait = min(wait, late)
	}
	for _, due := range []time.Time{
		c.saveDue, c.garbage.due, c.unsettled.due, c.verdicts.due, c.checks.nextDue(), c.tags.due, c.checks.nextAgain(),
		c.jobRetries.next(),
	} {
		if !due.IsZero() {
			wait = min(wait, time.Until(due))
		}
	}
	return max(wait, 0)
}

func (c *Control) take(ctx context.Context, message any) {
	switch message := message.(type) {
	case newSet:
		c.takeSet(ctx, message.set)
	case waits:
		c.takeWait(message)
	case resolved:
		if !c.downloads.ended(message.of) {
			return // nothing wants it any more
		}
		for key, r := range message.results {
			c.takeResult(ctx, key, r)
		}
		c.replan(ctx)
		c.mended(message.results)
	case checkIsSlow:
		c.takeSlowCheck(ctx, message.check)
	case checkEnded:
		c.takeCheck(ctx, message)
	case verdictsSaved:
		c.takeVerdictsSaved(message.err)
	case mend:
		c.mend(ctx)
	case polled:
		c.takePolled(ctx, message)
	case unsettledSaved:
		c.takeUnsettledSaved(message.err)
	case saved:
		c.takeSaved(message)
	case *syncRequest:
		c.syncs.waiting = append(c.syncs.waiting, message)
	case query:
		message.run(ctx)
		close(message.done)
	case delivery.Event:
		c.note(message)
		c.step(message)
		if _, failed := message.(delivery.BuildFailed); failed {
			c.mendSoon(ctx)
		}
	}
}

// step passes an event through the machine and carries out what follows.
func (c *Control) step(e delivery.Event) {
	actions := c.machine.Step(time.Now(), e)
	watched := c.hub.Watched()
	var unproven []delivery.Send
	unsettled, awaited := false, false
	forgotten := false
	for _, a := range actions {
		switch a := a.(type) {
		case delivery.PersistUnsettled:
			unsettled, awaited = true, a.Awaited
			continue
		case delivery.Send:
			if a.Unproven {
				unproven = append(unproven, a)
				continue
			}
		case delivery.Changed:
			if !watched {
				continue
			}
		case delivery.Forgotten:
			forgotten = true
		}
		c.carryOut(a)
	}
	if forgotten {
		c.changeSnapshot(c.machine.Snapshot())
	}
	switch {
	case awaited && len(unproven) > 0:
		c.saveUnsettled()
	case unsettled:
		c.saveUnsettledSoon()
	}
	c.sendOnceSaved(unproven)
}

// note keeps what the status shows of streams.
func (c *Control) note(e delivery.Event) {
	switch e := e.(type) {
	case delivery.StreamOpened:
		c.streamOpened(e, time.Now())
	case delivery.StreamClosed:
		c.streamClosed(e, time.Now())
	}
}
