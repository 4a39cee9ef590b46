package delivery

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// realStandIns makes the stand-ins as the server does.
type realStandIns struct{}

func (realStandIns) Deny(filter string, t spec.Type, reason, _ string) *snapshot.Revision {
	return builtin.Deny(filter, t, reason, "")
}

func (realStandIns) Passthrough(filter string, t spec.Type, _ string) *snapshot.Revision {
	return builtin.Passthrough(filter, t, "")
}

func (realStandIns) Known(filter, _, id string) *snapshot.Revision {
	return builtin.Known(filter, "", id)
}

// world is a server with memory and Envoys, and everything in between.
type world struct {
	rng        *rand.Rand
	now        time.Time
	m          *Machine
	memory     Memory
	envoys     []*modelEnvoy
	lastID     StreamID
	epoch      uint32
	snapshot   *snapshot.Snapshot
	problems   []string
	log        []string
	streams    map[StreamID]*modelEnvoy
	answering  map[StreamID]map[string]Send // by name; equal for all names of a shared response
	singly     map[StreamID]bool            // a response of several was refused on the stream
	bad        map[string]bool              // revisions no Envoy loads
	moodyAbout map[string]bool              // good revisions some Envoy refused when they were alone
	number     int
	pipelined  int // responses sent beside unanswered responses
	more       int // responses with more responses to follow
	shared     int // responses of several resources
	forgotten  int // removed filters without a trace
	forgot     map[string]bool
	spoilt     int     // refused shared responses
	again      []Event // events to play after the step
	settles    bool    // modules can be read again
	calm       bool
	names      []string // of the specs
	suspects   modelSuspects
	doubted    modelSuspects                     // see [world.doubt]
	tries      map[trialOf]map[string]bool       // the canaries when another Envoy was lost
	sentAt     map[StreamID]map[string]time.Time // pushes without an answer
	waves      modelWaves
	durable    bool // a stop waits for the disk
}

// modelNames are the names Envoys ask for; the last has no spec. A calm world has more names and
// few bad revisions: only there do many pushes share responses.
func modelNames(calm bool) []string {
	names := []string{"auth", "hello", "limit", "ghost"}
	if calm {
		names = append([]string{"audit", "cache", "quota", "route", "trace"}, names...)
	}
	return names
}

func newWorld(seed uint64) *world {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_000_000, 0), streams: map[StreamID]*modelEnvoy{},
		answering: map[StreamID]map[string]Send{}, bad: map[string]bool{}, moodyAbout: map[string]bool{},
		singly: map[StreamID]bool{}, forgot: map[string]bool{}, calm: seed%2 == 0,
		suspects: modelSuspects{}, doubted: modelSuspects{}, tries: map[trialOf]map[string]bool{}, sentAt: map[StreamID]map[string]time.Time{},
		waves: newModelWaves(),
	}
	all := modelNames(w.calm)
	w.names = all[:len(all)-1]
	for i := range 3 {
		w.envoys = append(w.envoys, &modelEnvoy{
			id: fmt.Sprintf("edge-%d", i), version: []string{"1.40.0", "1.40.0", "1.36.4"}[i],
			neverCaches: w.rng.IntN(6) == 0,
			ads:         w.rng.IntN(2) == 0, delta: w.rng.IntN(2) == 0,
			names: all, providers: map[string]*provider{}, racing: map[string]bool{}, cache: map[string]bool{}, seen: map[string]bool{},
			hates: map[string]bool{},
		})
	}
	w.snapshot = snapshot.New(nil)
	w.start()
	if w.calm {
		for _, name := range w.names {
			w.edit(name)
		}
	}
	return w
}

func (w *world) failf(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
	w.log = append(w.log, "  ! "+w.problems[len(w.problems)-1])
}

// start boots the server from the persisted memory.
func (w *world) start() {
	w.epoch++
	window := 3
	if w.calm {
		window = 12
	}
	w.doubt()
	w.restoreStops()
	w.m = New(Config{
		Epoch: w.epoch, Substitutes: realStandIns{}, Window: 1 + w.rng.IntN(window),
		ForgetRemoved: time.Duration(w.rng.IntN(2)) * 30 * time.Second,
	}, w.memory, w.now)
	w.step(SnapshotChanged{Snapshot: w.snapshot})
}

func (w *world) step(e Event) {
	w.log = append(w.log, fmt.Sprintf("%T%+v %s", e, brief(e), answerText(e)))
	unproven, awaited, noted, late := false, false, false, false
	spoilt := w.isSpoilt(e)
	for _, a := range w.m.Step(w.now, e) {
		switch a := a.(type) {
		case Send:
			unproven = unproven || a.Unproven // waits for the disk
			for _, r := range resources(a) {
				w.log = append(w.log, fmt.Sprintf("  send %d %s %s, with %d others", a.Stream, r.Name, r.Version, len(a.Others)))
				w.checkWave(a.Stream, r, a.Unproven)
			}
			w.checkOutstanding(a)
			w.checkSuspectsFirst(w.streams[a.Stream], a)
			if e, ok := w.streams[a.Stream], w.build(&a); e != nil && ok {
				e.inbox = append(e.inbox, a)
			}
		case RolloutMoved:
			w.log = append(w.log, fmt.Sprintf("  %s %s: %s %s", a.Name, a.Revision, a.Move, a.Wave))
			w.noteMove(a)
		case Forgotten:
			w.forgotten++
			w.checkForgotten(a.Name)
			w.snapshot = w.m.Snapshot()
		case WasRefused:
			if spoilt && a.Verdict {
				w.failf("%s: a verdict on %s, which was not alone", a.Node, a.Name)
			}
		case PersistUnsettled:
			awaited, noted = a.Awaited, true
		case Persist:
			late = true
		}
	}
	// A crash may come when the disk has only the record awaited by a push.
	if awaited && unproven || noted && w.rng.IntN(4) == 0 {
		w.memory.Unsettled = w.m.Unsettled()
	}
	if w.rng.IntN(8) == 0 && late || w.durable {
		w.durable = false
		unsettled := w.memory.Unsettled
		w.memory = w.m.Memory()
		w.m.Saved(w.memory.Seq)
		if w.rng.IntN(2) == 0 {
			w.memory.Unsettled = unsettled
		}
	}
	for len(w.again) > 0 {
		next := w.again[0]
		w.again = w.again[1:]
		w.step(next)
	}
}

// resources are all resources of a response.
func resources(a Send) []Resource { return append([]Resource{a.Resource}, a.Others...) }

// isSpoilt says whether an event is the NACK of a shared response.
func (w *world) isSpoilt(e Event) bool {
	r, ok := e.(Requested)
	return ok && r.Answer != nil && r.Answer.Nack && r.Answer.Message == spoiltText
}

// build seldom drops resources from a response, as if they could not be made, and says whether any
// are left.
func (w *world) build(a *Send) bool {
	var made []Resource
	for _, r := range resources(*a) {
		if e := w.streams[a.Stream]; w.settles || e == nil || e.unlisted || w.rng.IntN(200) > 0 {
			made = append(made, r)
			continue
		}
		delete(w.answering[a.Stream], r.Name)
		w.again = append(w.again, BuildFailed{Stream: a.Stream, Name: r.Name, Reason: "the module is damaged"})
	}
	if len(made) == 0 {
		return false
	}
	a.Resource, a.Others = made[0], made[1:]
	for _, r := range made {
		w.answering[a.Stream][r.Name] = *a
		if w.sentAt[a.Stream] == nil {
			w.sentAt[a.Stream] = map[string]time.Time{}
		}
		w.sentAt[a.Stream][r.Name] = w.now
	}
	return true
}

func brief(e Event) any {
	if s, ok := e.(SnapshotChanged); ok {
		return s.Snapshot.Version()
	}
	return e
}

func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.step(Woken{})
}

// edit changes the spec of a name.
func (w *world) edit(name string) {
	w.number++
	filters := map[string]*snapshot.Filter{}
	for _, f := range w.snapshot.All() {
		filters[f.Name] = f
	}
	f := &snapshot.Filter{
		Name: name, Type: spec.HTTP, Policy: []spec.FailurePolicy{spec.Closed, spec.Open}[w.rng.IntN(2)],
		Delivery: []spec.Delivery{spec.Remote, spec.Remote, spec.Inline, spec.File}[w.rng.IntN(4)],
		OnRemove: []spec.OnRemove{spec.Keep, spec.Passthrough, spec.Deny}[w.rng.IntN(3)],
		Canary:   w.canaryPolicy(),
		Rollout:  w.rolloutOf(),
	}
	before := filters[name]
	switch roll := w.rng.IntN(10); {
	case before != nil && roll == 0:
		f = clone(before)
		f.Removed = true
	case before != nil && roll == 1:
		f = clone(before)
		f.Disabled = !f.Disabled
	case before != nil && roll == 2 && w.former(name) != nil:
		f = clone(before)
		f.Revision, f.RolledBack, f.Removed, f.Disabled = w.former(name), true, false, false
	default:
		f.Revision = w.revision(name, roll < 5 || w.calm && roll < 9)
	}
	filters[name] = f
	var all []*snapshot.Filter
	for _, f := range filters {
		all = append(all, f)
	}
	w.snapshot = snapshot.New(all)
	w.step(SnapshotChanged{Snapshot: w.snapshot})
}

func clone(f *snapshot.Filter) *snapshot.Filter {
	c := *f
	return &c
}

func (w *world) revision(name string, good bool) *snapshot.Revision {
	r := (&snapshot.Revision{
		Filter: name, Type: spec.HTTP, Policy: spec.Closed,
		Module: snapshot.Module{SHA256: fmt.Sprintf("%064x", w.number%4), Size: 1000},
		RootID: fmt.Sprint(w.number), VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	w.bad[r.ID] = !good
	if w.rng.IntN(4) == 0 {
		r.Refusals = []snapshot.Refusal{
			[]snapshot.Refusal{{Versions: []string{"1.36"}}, {Versions: []string{"1.40"}, AndLater: true}}[w.rng.IntN(2)],
		}
	}
	return r
}

// restartServer kills the server: every stream ends without a word to the server.
func (w *world) restartServer() {
	for _, e := range w.envoys {
		if e.stream != 0 {
			w.lose(e)
			clear(w.tries) // by then
			delete(w.streams, e.stream)
			delete(w.answering, e.stream)
		}
		e.stream, e.inbox, e.outbox = 0, nil, nil
		for _, name := range e.names {
			p := e.provider(name)
			v, _ := ParseVersion(p.stored)
			_, noted := w.memory.Unsettled.Filters[name].Nodes[e.id]
			p.orphaned = p.poisoned && e.delta && (v.Variant == Remote || p.proven && !noted)
		}
	}
	w.start()
}
