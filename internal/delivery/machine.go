package delivery

import (
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Machine is the state of all deliveries. Not safe for concurrent use.
// See docs/RATIONALE.md#why-is-delivery-a-pure-machine-with-one-owner.
type Machine struct {
	cfg      *Config
	step     *step
	filters  *filters
	streams  streams
	verdicts *verdict.Book
	record   *unsettled.Record
	freeze   *freeze

	keeper        keeper
	removed       *removed
	progress      *progress
	rollouts      *rollouts
	steering      *steering
	fetches       *fetches
	sender        *sender
	answers       *answers
	subscriptions *subscriptions
	specs         *specs
	statuses      *statuses
	follower      *follower // nil: the server decides alone
}

// New makes a machine that goes on where mem left off. The zero Memory is a fresh start.
func New(cfg Config, mem Memory, now time.Time) *Machine {
	m := assemble(cfg.withDefaults(), max(mem.Seq, mem.Unsettled.Seq), now)
	m.keeper.restore(mem, now)
	for _, f := range m.filters.inOrder() {
		f.idle.notAfter(now)
		m.removed.look(f)
		m.steering.restored(f)
	}
	for name := range m.record.Filters() {
		m.rollouts.doubt(m.filters.get(name))
	}
	return m
}

// assemble makes the parts of a machine and wires them.
func assemble(cfg Config, seq uint64, now time.Time) *Machine {
	verdicts, record, frozen, replica := verdict.New(), unsettled.NewRecord(seq), &freeze{}, newReplica(cfg.Replica)
	followed := newFollowedBook(replica)
	m := &Machine{
		cfg: &cfg, step: &step{now: now, started: now}, filters: newFilters(verdicts, frozen, followed), streams: streams{},
		verdicts: verdicts, record: record, freeze: frozen,
	}
	salts := newSalts(saltEpoch(cfg.Replica, cfg.Epoch))
	m.keeper = keeper{filters: m.filters, verdicts: verdicts, record: record, freeze: frozen, pause: cfg.CanaryPause}
	m.removed = &removed{step: m.step, cfg: m.cfg, filters: m.filters, record: record}
	m.progress = &progress{step: m.step, ackWait: cfg.AckWait, pause: cfg.CanaryPause}
	m.rollouts = &rollouts{
		step: m.step, removed: m.removed, progress: m.progress, record: record, verdicts: verdicts,
		streams: m.streams, halts: halts{m.step}, pause: cfg.CanaryPause,
	}
	m.steering = &steering{step: m.step, halts: halts{m.step}, rollouts: m.rollouts, progress: m.progress}
	chooser := &chooser{step: m.step, cfg: m.cfg, replica: replica}
	m.fetches = &fetches{step: m.step, cfg: m.cfg, streams: m.streams, tokens: map[string]*sub{}}
	m.statuses = &statuses{
		step: m.step, cfg: m.cfg, chooser: chooser, progress: m.progress, removed: m.removed, fetches: m.fetches,
	}
	m.sender = &sender{
		step: m.step, noting: &noting{m.step, replica, record}, cfg: m.cfg, chooser: chooser, fetches: m.fetches,
		salts: salts, trying: map[verdict.Key]int{}, pool: pool{window: cfg.Window},
	}
	m.answers = &answers{
		step: m.step, cfg: m.cfg, sender: m.sender, rollouts: m.rollouts, fetches: m.fetches, removed: m.removed,
		record: record, salts: salts,
	}
	unknown := newUnknown(cfg.UnknownNames, cfg.UnknownBytes)
	m.subscriptions = &subscriptions{
		step: m.step, streams: m.streams, filters: m.filters, chooser: chooser, rollouts: m.rollouts, fetches: m.fetches,
		sender: m.sender, answers: m.answers, removed: m.removed, record: record, statuses: m.statuses, standIns: cfg.Substitutes, unknown: unknown,
	}
	m.specs = &specs{
		step: m.step, filters: m.filters, rollouts: m.rollouts, removed: m.removed, record: record, verdicts: verdicts,
		salts: salts, unknown: unknown, pruneAt: pruneSlack, replica: replica,
	}
	if replica != nil {
		m.follower = (&follower{
			step: m.step, replica: replica, followed: followed, filters: m.filters, verdicts: verdicts, record: record,
			specs: m.specs, setFreeze: m.setFreeze, pause: cfg.CanaryPause,
		}).wire(m.progress, m.rollouts)
	}
	return m
}

// Step takes an event at the event's time and returns the actions that follow. Time never runs
// backwards in the machine. The next step uses the memory of the actions again.
func (m *Machine) Step(now time.Time, e Event) []Action {
	m.step.begin(now)
	m.handle(e)
	m.wake()
	m.specs.forgetDue()
	m.subscriptions.shedGreedy()
	if m.follower != nil {
		m.follower.work()
	}
	m.sender.sendAll()
	if m.follower != nil {
		m.follower.reporter.report()
	}
	m.step.tellChanges(m.progress.report)
	if dirty, awaited := m.record.TakeDirty(); dirty {
		m.step.tell(PersistUnsettled{Awaited: awaited})
	}
	if m.step.takeSave() {
		m.step.tell(Persist{})
	}
	return m.step.actions
}

func (m *Machine) handle(e Event) {
	switch e := e.(type) {
	case StreamOpened:
		m.streams[e.Stream] = &stream{id: e.Stream, node: e.Node, ads: e.ADS, delta: e.Delta}
		m.verdicts.Saw(e.Node.Version, m.step.now)
	case AccessChanged:
		if s := m.streams[e.Stream]; s != nil {
			m.subscriptions.changeAccess(s, e)
		}
	case StreamClosed:
		if s := m.streams[e.Stream]; s != nil {
			m.subscriptions.end(s)
		}
	case Requested:
		if s := m.streams[e.Stream]; s != nil {
			m.subscriptions.request(s, e)
		}
	case SnapshotChanged:
		m.specs.set(e.Snapshot)
	case FetchStarted:
		m.fetches.started(e)
	case FetchFinished:
		m.fetches.finished(e)
	case BuildFailed:
		if s := m.streams[e.Stream]; s != nil {
			m.answers.notBuilt(s, e.Name, e.Reason)
		}
	case ModulesRestored:
		m.streams.inOrder(func(s *stream) bool {
			m.answers.restored(s)
			return true
		})
	case FromLedger:
		if m.follower != nil {
			m.follower.take(e.Event)
		}
	case NotNoted:
		if s := m.streams[e.Stream]; s != nil {
			m.answers.notNoted(s, e.Name)
		}
	case Frozen:
		m.setFreeze(&rollout.Hold{By: e.By, Reason: e.Reason, At: m.step.now.UTC().Round(0)})
	case Thawed:
		m.setFreeze(nil)
	case Promoted, Retried, Paused, Resumed, Aborted, HealthLooked:
		m.steer(e)
	case Woken:
	}
}

// steer handles the events of users and of the health looks.
func (m *Machine) steer(e Event) {
	if m.follower != nil {
		m.follower.steer(e)
		return
	}
	switch e := e.(type) {
	case Promoted:
		m.filters.with(e.Name, func(f *filter) { m.steering.goOn(f, e) })
	case Retried:
		m.filters.with(e.Name, func(f *filter) { m.specs.retry(f, e.Revision) })
	case Paused:
		m.filters.with(e.Name, func(f *filter) { m.steering.hold(f, e) })
	case Resumed:
		m.filters.with(e.Name, func(f *filter) { m.steering.resume(f, e) })
	case Aborted:
		m.filters.with(e.Name, func(f *filter) { m.steering.abort(f, e) })
	case HealthLooked:
		m.filters.with(e.Filter, func(f *filter) { m.steering.looked(f, e) })
	}
}

// setFreeze freezes the server, or ends the freeze (nil).
func (m *Machine) setFreeze(h *rollout.Hold) {
	m.freeze.hold = h
	m.step.save()
	for _, f := range m.filters.inOrder() {
		if f.candidate() != nil {
			m.rollouts.rollOut(f)
			m.step.touchFilter(f)
		}
	}
}

// Freeze is the freeze of the server; nil: there is none.
func (m *Machine) Freeze() *rollout.Hold { return m.freeze.hold }

// wake looks at everything that is due.
func (m *Machine) wake() {
	for {
		t, is := m.step.timers.take(m.step.now)
		if !is {
			return
		}
		switch {
		case t.of.s != nil:
			t.of.s.setTimed(false)
			m.answers.check(t.of.s)
		case t.of.f != nil:
			m.rollouts.rollOut(t.of.f)
			m.progress.lookForSlow(t.of.f)
		case t.of.u == nil: // a report is due when the step ends
		default:
			t.of.u.timerRang(t.at)
			m.step.touch(t.of.u)
		}
	}
}

// Gave says whether this process has made a token. Any goroutine may call Gave.
func (m *Machine) Gave(token string) bool { return strings.HasPrefix(token, salt(m.cfg.Epoch, 0)[:8]) }

// Next is when the machine wants [Woken] at the latest; false: no timer is set.
func (m *Machine) Next() (time.Time, bool) { return m.step.timers.next() }

// Snapshot is the last snapshot. After [New] it is made from the memory.
func (m *Machine) Snapshot() *snapshot.Snapshot { return m.specs.snapshot() }

// Status returns the status of a filter; false: neither a spec nor an Envoy has the name.
func (m *Machine) Status(name string) (FilterStatus, bool) {
	f := m.filters.get(name)
	if f == nil {
		return FilterStatus{}, false
	}
	return m.statuses.filter(f), true
}

// Brief is Status without the subscribers, which may be thousands.
func (m *Machine) Brief(name string) (FilterStatus, bool) {
	f := m.filters.get(name)
	if f == nil {
		return FilterStatus{}, false
	}
	return m.statuses.brief(f), true
}

// Spread says how far the wanted revision of a filter has come. It looks at all subscribers.
func (m *Machine) Spread(name string) Spread {
	f := m.filters.get(name)
	if f == nil {
		return Spread{}
	}
	return m.statuses.spread(f)
}

// Rollout is the progress of a filter's rollout, without the rest of the status; nil: no revision
// is on trial.
func (m *Machine) Rollout(name string) *Rollout {
	f := m.filters.get(name)
	if f == nil {
		return nil
	}
	return m.progress.of(f)
}

// Counts are the numbers of subscribers by state, with the ended ones that a status still shows.
// The filters keep the counts up to date, so the call is cheap.
func (m *Machine) Counts() map[State]int {
	all := noCounts()
	for _, f := range m.filters.inOrder() {
		counts(f, all)
	}
	return all
}

// CountsOf is Counts for a filter.
func (m *Machine) CountsOf(name string) map[State]int {
	f := m.filters.get(name)
	if f == nil {
		return nil
	}
	return counts(f, noCounts())
}

// IsRefused says whether an Envoy has refused the filter's revision, or was lost with it, or
// whether its rollout was stopped. A [Retried] tries the revision again.
func (m *Machine) IsRefused(name, revision string) bool {
	f := m.filters.get(name)
	if f == nil {
		return false
	}
	if m.verdicts.Refused(revision) || f.rollout.HasLosses(revision) || f.rollout.Stops.Of(revision) != nil {
		return true
	}
	for _, u := range f.subs {
		if u.refusal(revision) != nil {
			return true
		}
	}
	return false
}

// MayFetch says whether a client with a certificate of that key is served a filter with a module: a
// filter that a stream of such a client asks for and may have, and one of whose revisions has the
// module. The revision need not be the one that the stream gets.
func (m *Machine) MayFetch(certificate, sha256 string) bool {
	for _, s := range m.streams {
		if s.node.Certificate == certificate && slices.ContainsFunc(s.subs, func(u *sub) bool { return u.isServed(sha256) }) {
			return true
		}
	}
	return false
}

// Revisions are all revisions that may still be served. Modules that none of them names can be
// collected.
func (m *Machine) Revisions() []*snapshot.Revision {
	var all []*snapshot.Revision
	for _, f := range m.filters.inOrder() {
		all = append(all, f.all()...)
	}
	return all
}

// Memory returns the state from which a later [New] goes on, tidy.
func (m *Machine) Memory() Memory {
	mem := m.Untidy()
	mem.Tidy()
	return mem
}

// Untidy is Memory before [Memory.Tidy], which another goroutine can call. The filters are sorted.
func (m *Machine) Untidy() Memory { return m.keeper.memory() }

// Unsettled returns the unsettled part of the [Memory].
func (m *Machine) Unsettled() Unsettled { return m.keeper.unsettled() }

// Saved says the memory with this [Memory.Seq] survives a crash. [Machine.Unsettled] then
// leaves out filters if all of their nodes had answered before.
func (m *Machine) Saved(seq uint64) { m.record.Saved(seq) }
