// Package control has the goroutine that owns the state. The goroutine takes sets of specs from
// the source, has their modules resolved, and passes the wanted revisions and the events of the
// streams through delivery's machine.
package control

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/desired"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/findings"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/restart"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Sender sends responses without blocking.
type Sender interface {
	Send(delivery.Send)
	// Prepare announces an imminent send.
	Prepare(delivery.Send)
	// End ends the stream of an Envoy that asks for too many names without a spec.
	End(delivery.StreamID)
}

// ModuleStore has the modules on disk.
type ModuleStore interface {
	// Sync returns when all modules survive a power failure.
	Sync() error
	// Read returns the bytes of a module, or an error if the store lacks them or they are damaged.
	Read(sha256 string) ([]byte, error)
	// Collect removes modules that are older than olderThan and that keep does not name.
	Collect(keep func(sha256 string) bool, olderThan time.Duration) (removed int, err error)
}

// Config configures a control. All fields are required unless their comment names a zero value.
type Config struct {
	Source    source.Source
	Directory string // for the status
	Modules   ModuleResolver
	Store     ModuleStore
	StandIns  *StandIns
	Files     persist.Files
	Metrics   Metrics // nil: none
	Logger    *zap.Logger
	// Delivery is for specs without a delivery of their own; "" is remote.
	Delivery spec.Delivery
	// Keys are files with public keys. Any of the keys must sign each module. nil: only
	// the keys in a module's spec are required. The source watches the files.
	Keys []string
	// AllowEmpty lets a source remove all of its specs at once.
	AllowEmpty bool
	// Examiner tries filters in the sandbox; nil: no filter is tried. Preflight is the effect of
	// findings; "" is enforce. A later process reuses findings if its Sandbox is the same.
	// HostEnv has the sandbox's values for names in vm.hostEnv.
	Examiner  Examiner
	Preflight examine.Mode
	Sandbox   string
	HostEnv   map[string]string
	// Policy has delivery's times; the zero value selects the defaults. The control sets Epoch
	// and Substitutes itself.
	Policy delivery.Config
}

// Control owns the state. Any goroutine may call the exported methods.
type Control struct {
	cfg      Config
	inbox    chan any
	done     chan struct{} // closed when Run has ended
	loaded   chan struct{} // closed when there is a snapshot
	workers  sync.WaitGroup
	hub      events.Hub
	served   served
	limits   limits
	visitors visitors
	ready    atomic.Bool

	// The following fields belong to Run's goroutine.
	machine    *delivery.Machine
	sender     Sender
	snapshot   *snapshot.Snapshot
	unlogged   []change
	published  time.Time
	fromState  bool
	plan       desired.Plan
	set        *source.Set // nil: none yet
	began      time.Time   // Run
	firstSet   time.Time   // zero: none yet
	entries    entries
	results    map[string]result
	running    map[string]time.Time // the start of each running job, by key
	downloads  downloads            // the running jobs that use the network
	jobRetries jobRetries
	checks     *checkqueue.Queue
	findings   findings.Known
	saves      saves
	source     sourceStatus
	garbage    garbage
	opened     map[delivery.StreamID]streamInfo
	tags       *tags.Table
	mending    mending
	syncs      syncs
	envoys     envoys
}

type streamInfo struct {
	node  delivery.Node
	mode  string
	since time.Time
}

// These messages arrive in the inbox, beside delivery's events.
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
	mend  struct{}
	saved struct {
		seq uint64 // of the saved memory
		err error
	}

	unsettledSaved struct{ err error }
	findingsSaved  struct{ err error }
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

// New makes a control that continues from the state in cfg.Files.
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
		checks:    checkqueue.New(runtime.GOMAXPROCS(0), retryPauses),
		tags:      tags.New(retryPauses),
		saves:     saves{writer: persist.NewWriter(cfg.Files, cfg.Store)},
		snapshot:  snapshot.New(nil),
		source:    sourceStatus{state: api.SourceReading, since: time.Now()},
		published: time.Now(),
	}
	if cfg.Preflight == "" {
		c.cfg.Preflight = examine.Enforce
	}
	if cfg.Metrics == nil {
		c.cfg.Metrics = noMetrics{}
	}
	var loading sync.WaitGroup
	loading.Go(c.loadFindings) // touches no other field
	c.restore()
	loading.Wait()
	return c
}

// Loaded is closed when there is a snapshot to serve, from the state or the source.
func (c *Control) Loaded() <-chan struct{} { return c.loaded }

// Handle takes an event of delivery. Handle blocks while the control is busy, and drops the event
// after the end of Run.
func (c *Control) Handle(e delivery.Event) { c.post(e) }

// Serves says whether a servable revision names the module.
func (c *Control) Serves(sha256 string) bool {
	return c.served.has(sha256)
}

func (c *Control) post(message any) {
	select {
	case c.inbox <- message:
	case <-c.done:
	}
}

// Run owns the state until ctx ends. Run returns after the end of all its goroutines.
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
			// Take newer messages without another look at the clock.
			for range len(c.inbox) {
				c.take(ctx, <-c.inbox)
			}
		case <-timer.C:
			c.step(delivery.Woken{})
			c.openLate()
		}
		if !c.saves.unsettled.Blocks() {
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

// untilNext returns how long the loop may sleep while the inbox is empty.
func (c *Control) untilNext() time.Duration {
	wait := time.Minute
	due := pause.Earliest(c.saves.state.Due(), c.saves.unsettled.Due(), c.saves.findings.Due(), c.garbage.due,
		c.checks.Wake(), c.tags.Due(), c.jobRetries.next())
	if !due.IsZero() {
		wait = min(wait, time.Until(due))
	}
	if at, ok := c.machine.Next(); ok {
		wait = min(wait, time.Until(at))
	}
	if late, ok := c.untilLate(); ok {
		wait = min(wait, late)
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
			return // no spec wants the download any more
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
	case findingsSaved:
		c.takeFindingsSaved(message.err)
	case mend:
		c.mend(ctx)
	case tags.Poll:
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

// step passes an event through the machine and carries out the actions.
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
		c.saves.unsettled.Soon(time.Now())
	}
	c.sendOnceSaved(unproven)
}

// note keeps data about streams for the status.
func (c *Control) note(e delivery.Event) {
	switch e := e.(type) {
	case delivery.StreamOpened:
		c.streamOpened(e, time.Now())
	case delivery.StreamClosed:
		c.streamClosed(e, time.Now())
	}
}
