// Package delivery decides which version each subscriber gets next.
//
// The package is pure: no clock, no I/O, no goroutine. [Machine.Step] takes an event with the
// event's time and returns actions for the shell. Each rule follows from the behaviour of real
// Envoys: docs/envoy-behaviour.md has the facts, docs/ARCHITECTURE.md the rules.
package delivery

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/reach"
	"github.com/wasm-xds/wasm-xds/internal/delivery/unsettled"
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Config is a machine's policy. A zero duration or limit means the default named beside the field.
type Config struct {
	// Epoch makes this process's salts differ from those of every earlier process.
	Epoch uint32
	// Substitutes makes the stand-ins. Required.
	Substitutes Substitutes
	// CanaryWait is how long a subscriber that runs nothing waits for the canary of a new filter
	// before the subscriber gets a stand-in: 2 s.
	CanaryWait time.Duration
	// CanaryPause is how long a lost canary may take to come back before the machine chooses
	// another: 30 s, the longest pause of Envoy before a new connection.
	CanaryPause time.Duration
	// FetchWait is how long after the NACK of a remote push the GET may take to begin: 3 s.
	FetchWait time.Duration
	// FetchSettle is the pause between the last byte of a GET and the second push, if nothing shows
	// the code to be in Envoy's cache: 5 ms, and a millisecond more for every 100 KB of the module.
	FetchSettle time.Duration
	// FetchLimit is how long a GET may take before the code goes inline: 2 min.
	FetchLimit time.Duration
	// AckWait is how long an answer may take before the subscriber is flagged: 30 s.
	AckWait time.Duration
	// RemoteLimit is the size from which Envoy's fetcher gives up: 32 MiB.
	RemoteLimit int64
	// ForgetRemoved is how long the machine keeps a removed filter after the last stream has
	// stopped asking for the filter; 0: for ever. A filter that never loaded on any Envoy is not
	// kept at all.
	ForgetRemoved time.Duration
	// UnknownNames is how many names without a spec all streams together may ask for: 20,000. A
	// name counts once for each stream.
	UnknownNames int
	// Window is how many resources may be outstanding on a stream, if all of them are known to
	// load: 64. Resources that the Envoy runs already do not count.
	Window int
}

func (c Config) withDefaults() Config {
	c.CanaryWait = cmp.Or(c.CanaryWait, 2*time.Second)
	c.CanaryPause = cmp.Or(c.CanaryPause, 30*time.Second)
	c.FetchWait = cmp.Or(c.FetchWait, 3*time.Second)
	c.FetchSettle = cmp.Or(c.FetchSettle, 5*time.Millisecond)
	c.FetchLimit = cmp.Or(c.FetchLimit, 2*time.Minute)
	c.AckWait = cmp.Or(c.AckWait, 30*time.Second)
	c.RemoteLimit = cmp.Or(c.RemoteLimit, 32<<20)
	c.Window = cmp.Or(c.Window, 64)
	c.UnknownNames = cmp.Or(c.UnknownNames, 20_000)
	return c
}

const (
	remoteAttempts = 3 // pushes of remote code before it goes inline
)

// Machine is the state of all deliveries. Not safe for concurrent use.
// See docs/RATIONALE.md#why-is-delivery-a-pure-machine-with-one-owner.
type Machine struct {
	cfg         Config
	now         time.Time
	filters     map[string]*filter
	ordered     ordered
	snapshot    *snapshot.Snapshot // the last snapshot; nil: none yet, see [Machine.Snapshot]
	streams     map[StreamID]*stream
	verdicts    *verdict.Book
	trying      map[verdict.Key]int // unproven pushes that are outstanding
	salts       map[saltKey]string
	counter     uint32          // of the newest salt
	tokens      map[string]*sub // from the salt of a remote push to the push's subscriber
	reach       reach.Reach
	touched     []*stream
	actions     []Action
	changed     []*filter
	unknown     int       // the number of subscribers without a spec for their name
	forgettable []*filter // filters to look at before the step ends
	persist     bool
	started     time.Time
	states      [numStates]int // the number of subscribers in each state

	record *unsettled.Record
	booted int // accepted pushes of the present response to subscribers newer than the wanted revision
	timers timers
	// Memory that is used again and again.
	later   []next
	looked  []*stream
	free    []*response
	rooms   [][]push
	open    *response // of the present stream; more pushes may share the response
	pruneAt int       // the size of verdicts and salts at which to prune
}

type saltKey struct {
	revision string
	variant  Variant
}

// New makes a machine that goes on where mem left off. The zero Memory is a fresh start.
func New(cfg Config, mem Memory, now time.Time) *Machine {
	m := &Machine{
		cfg:      cfg.withDefaults(),
		now:      now,
		started:  now,
		filters:  map[string]*filter{},
		streams:  map[StreamID]*stream{},
		verdicts: verdict.New(),
		trying:   map[verdict.Key]int{},
		salts:    map[saltKey]string{},
		tokens:   map[string]*sub{},

		record:  unsettled.NewRecord(max(mem.Seq, mem.Unsettled.Seq)),
		pruneAt: pruneSlack,
	}
	m.restore(mem)
	for _, f := range m.filters {
		if f.idleSince.After(now) {
			f.idleSince = now // the clock was set back
		}
		m.mayForget(f)
	}
	for name := range m.record.Filters() {
		m.suspectAfterRestart(m.filters[name])
	}
	return m
}

// Step takes an event at the event's time and returns the actions that follow. Time never runs
// backwards in the machine. The next step uses the memory of the actions again.
func (m *Machine) Step(now time.Time, e Event) []Action {
	m.forget()
	if now.After(m.now) {
		m.now = now
	}
	switch e := e.(type) {
	case StreamOpened:
		m.streams[e.Stream] = &stream{id: e.Stream, node: e.Node, ads: e.ADS, delta: e.Delta}
		m.verdicts.Saw(e.Node.Version, m.now)
	case StreamClosed:
		m.close(e.Stream)
	case Requested:
		m.request(e)
	case SnapshotChanged:
		m.setSnapshot(e.Snapshot)
	case FetchStarted:
		m.fetchStarted(e.Token)
	case FetchFinished:
		m.fetchFinished(e)
	case BuildFailed:
		m.buildFailed(e)
	case ModulesRestored:
		m.modulesRestored()
	case Promoted:
		m.promoteByHand(e)
	case Retried:
		m.retry(e)
	case Woken:
	}
	m.wake()
	m.forgetRemoved()
	m.shedGreedy()
	m.sendAll()
	return m.take()
}

// fewKeys bounds most of the memory kept for another use. Actions, and other lists with an entry
// for each resource of a large response, may keep someKeys.
const (
	fewKeys  = 64
	someKeys = 512
)

// forget drops the last step's actions, and keeps their memory if there is little of it.
func (m *Machine) forget() {
	clear(m.actions)
	m.actions = m.actions[:0]
	if cap(m.actions) > someKeys {
		m.actions = nil
	}
}

// change notes that the status of a filter may differ after the step.
func (m *Machine) change(f *filter) {
	if !f.hasChanged {
		f.hasChanged = true
		m.changed = append(m.changed, f)
	}
}

func (m *Machine) take() []Action {
	slices.SortFunc(m.changed, func(a, b *filter) int { return strings.Compare(a.name, b.name) })
	for i, f := range m.changed {
		f.hasChanged = false
		m.tellOfRollout(f)
		if i == 0 || m.changed[i-1].name != f.name { // else the filter was dropped and made anew
			m.actions = append(m.actions, f.changed)
		}
	}
	actions := m.actions
	clear(m.changed)
	if m.changed = m.changed[:0]; cap(m.changed) > someKeys {
		m.changed = nil
	}
	if dirty, awaited := m.record.TakeDirty(); dirty {
		actions = append(actions, PersistUnsettled{Awaited: awaited})
	}
	if m.persist {
		actions = append(actions, Persist{})
		m.persist = false
	}
	m.actions = actions
	return actions
}

// filter returns the filter of the name. If there is none, filter makes it.
func (m *Machine) filter(name string) *filter {
	f := m.filters[name]
	if f == nil {
		f = &filter{
			name: name, unsettled: unsettled.NewNodes(), groups: map[string]*group{}, since: m.now, changed: Changed{Name: name},
		}
		m.enroll(f)
	}
	return f
}

func (m *Machine) setSnapshot(s *snapshot.Snapshot) {
	for _, name := range snapshot.Diff(m.Snapshot(), s) {
		m.setWanted(m.filter(name), s.Get(name))
	}
	m.snapshot = s
	m.prune()
}

// Snapshot is the last snapshot. After [New] it is made from the memory.
func (m *Machine) Snapshot() *snapshot.Snapshot {
	if m.snapshot == nil {
		var wanted []*snapshot.Filter
		for _, f := range m.inOrder() {
			if f.wanted != nil {
				wanted = append(wanted, f.wanted)
			}
		}
		m.snapshot = snapshot.New(wanted)
	}
	return m.snapshot
}

// pruneSlack is the least growth of verdicts and salts between two prunings.
const pruneSlack = 1000

// prune forgets verdicts and salts of revisions that cannot be served any more. Otherwise a
// long-lived server would grow with every edit.
func (m *Machine) prune() {
	if m.verdicts.Len()+len(m.salts) < m.pruneAt {
		return
	}
	known := map[string]struct{}{}
	for _, r := range m.Revisions() {
		known[r.ID] = struct{}{}
	}
	for _, f := range m.filters {
		for _, r := range f.refused {
			known[r.ID] = struct{}{}
		}
	}
	m.verdicts.Prune(func(revision string) bool { _, ok := known[revision]; return ok })
	maps.DeleteFunc(m.salts, func(k saltKey, _ string) bool { _, ok := known[k.revision]; return !ok })
	m.pruneAt = 2*(m.verdicts.Len()+len(m.salts)) + pruneSlack
}

func (m *Machine) setWanted(f *filter, w *snapshot.Filter) {
	if w == nil {
		m.forgetFilter(f)
		m.regroup(f)
		m.touchFilter(f)
		return
	}
	another := f.wanted == nil || !sameRevision(f.wanted.Revision, w.Revision)
	if another {
		m.keepCandidate(f)
		f.since, f.promoted = m.now, ""
		if w.Revision != nil {
			f.suspects.forgive(w.Revision.ID)
		}
	}
	if f.wanted == nil && f.unsettled.Len() > 0 {
		m.record.Change(f.name, f.unsettled)
	}
	m.countAllUnknown(f, -1)
	f.wanted = w
	f.suspects.prune(m.now, func(revision string) bool { return f.revision(revision) != nil })
	if another {
		if w.Revision != nil {
			f.dropRefused(w.Revision)
		}
		f.noteWish(m.now)
	}
	if w.Revision != nil && sameRevision(w.Revision, f.stable) {
		f.stable = w.Revision // its foretold refusals may be new
	}
	m.persist = true
	m.regroup(f)
	m.rollOut(f)
	m.touchFilter(f)
}

// keepCandidate remembers a candidate if its rollout ends early and some Envoy may run it. The
// machine may have to send the candidate to that Envoy again.
func (m *Machine) keepCandidate(f *filter) {
	if f.wanted == nil || f.wanted.Revision == nil || sameRevision(f.wanted.Revision, f.stable) {
		return
	}
	c := f.wanted.Revision
	loads, refused := false, false
	for _, v := range m.verdicts.On(c.ID) {
		loads, refused = loads || v.Loads, refused || !v.Loads
	}
	onItsWay := len(f.subs)+f.unsettled.Len() > 0
	switch {
	case loads || onItsWay && !refused:
		f.remember(c)
	case refused:
		f.rememberRefused(c)
	}
}

func (m *Machine) touchFilter(f *filter) {
	m.change(f)
	for _, u := range f.subs {
		m.touch(u)
	}
}

// touch has the subscriber looked at before the step ends.
func (m *Machine) touch(u *sub) {
	if u.closed || u.queued {
		return
	}
	if u.parked != notParked {
		u.s.unpark(u)
	}
	u.queued = true
	u.s.queue = append(u.s.queue, u)
	m.touchStream(u.s)
}

// sortedKeys returns a map's keys in order. Unlike slices.Sorted(maps.Keys(m)), the function
// allocates the list at once, and allocates nothing for an empty map.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil
	}
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func sameRevision(a, b *snapshot.Revision) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID
}
