package delivery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/test/memledger"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// replicasBugs are bugs to plant into a fleet of replicas.
type replicasBugs struct {
	memledger.Bugs
	sendsFirst bool // unproven bytes go out before the ledger has the note
}

// replicasWorld is a fleet of Envoys with several replicas and a late ledger. Any order of events
// may come: the ledger is late for each replica by another time, replicas are killed or paused and
// go on, leases end, connections to the ledger break, and Envoys move between the replicas.
type replicasWorld struct {
	rng      *rand.Rand
	now      time.Time
	bugs     replicasBugs
	store    *memledger.Store
	replicas []*modelReplica
	envoys   []*movingEnvoy
	snapshot *snapshot.Snapshot
	names    []string
	bad      map[string]string // by revision: the Envoy version that refuses it, or all
	known    map[string]bool   // all revisions
	moody    map[string]bool   // good revisions that an Envoy has refused
	number   int
	lastID   StreamID
	problems []string
	log      []string
	verbose  bool
	tried    map[verdict.Key]try  // the last node that got unproven bytes
	refused  map[verdict.Key]bool // refusals that the ledger had
	met      map[verdict.Key]map[string]bool
	cutOff   bool // no replica reaches the ledger
	stats    map[string]int
}

type try struct {
	node string
	at   time.Time
}

// modelReplica is a server with its disk.
type modelReplica struct {
	name     string
	m        *Machine // nil: killed
	client   *memledger.Client
	memory   Memory
	epoch    uint32
	paused   bool
	snapshot *snapshot.Snapshot
	pending  []pendingSend // wait for their notes
}

type pendingSend struct {
	note ledger.Note
	send Send
	sent bool
}

// movingEnvoy is an Envoy that any replica may serve. It takes inline code in delta.
type movingEnvoy struct {
	id, version string
	at          *modelReplica // nil: not connected
	stream      StreamID
	providers   map[string]*provider
	inbox       []Send
	outbox      []Event
	moody       bool // refuses the next revision, a good one
}

func (e *movingEnvoy) provider(name string) *provider {
	if e.providers[name] == nil {
		e.providers[name] = &provider{refused: map[string]bool{}}
	}
	return e.providers[name]
}

func newReplicasWorld(seed uint64, bugs replicasBugs, verbose bool) *replicasWorld {
	w := &replicasWorld{
		verbose: verbose,
		rng:     rand.New(rand.NewPCG(seed, 3)), now: time.Unix(1_000_000, 0), bugs: bugs, store: memledger.New(), bad: map[string]string{}, moody: map[string]bool{}, known: map[string]bool{},
		names: []string{"auth", "hello"}, tried: map[verdict.Key]try{}, refused: map[verdict.Key]bool{}, met: map[verdict.Key]map[string]bool{},
		stats: map[string]int{},
	}
	w.store.Plant(bugs.Bugs)
	w.snapshot = snapshot.New(nil)
	for i := range 2 + w.rng.IntN(3) {
		r := &modelReplica{name: fmt.Sprintf("replica-%d", i), snapshot: w.snapshot}
		w.replicas = append(w.replicas, r)
		w.start(r)
	}
	for i := range 4 {
		w.envoys = append(w.envoys, &movingEnvoy{
			id: fmt.Sprintf("edge-%d", i), version: []string{"1.40.0", "1.40.0", "1.40.0", "1.36.4"}[i], providers: map[string]*provider{},
		})
	}
	return w
}

func (w *replicasWorld) failf(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
	w.logf("! %s", w.problems[len(w.problems)-1])
}

func (w *replicasWorld) logf(format string, args ...any) {
	if !w.verbose {
		return
	}
	w.log = append(w.log, w.now.Format("05.000 ")+fmt.Sprintf(format, args...))
}

func (w *replicasWorld) report() string {
	return strings.Join(w.problems, "\n") + "\n\nlast events:\n" + strings.Join(w.log[max(0, len(w.log)-150):], "\n")
}

// start boots a replica from its disk.
func (w *replicasWorld) start(r *modelReplica) {
	if r.m != nil {
		return
	}
	w.logf("%s starts", r.name)
	r.epoch++
	r.m = New(Config{Epoch: r.epoch, Substitutes: realStandIns{}, Replica: r.name}, r.memory, w.now)
	if r.client != nil {
		r.client.Expire()
	}
	r.client = w.store.Join(r.name)
	if w.cutOff {
		r.client.Disconnect()
		for e, is := r.client.Next(); is; e, is = r.client.Next() {
			_ = e // it never arrives
		}
		r.client.Expire()
	}
	w.step(r, SnapshotChanged{Snapshot: r.snapshot})
}

// kill ends a replica, and the streams of its Envoys.
func (w *replicasWorld) kill(r *modelReplica) {
	if r.m == nil {
		return
	}
	w.logf("%s is killed", r.name)
	r.m, r.pending, r.paused = nil, nil, false
	for _, e := range w.envoys {
		if e.at == r {
			e.at, e.stream, e.inbox, e.outbox = nil, 0, nil, nil
		}
	}
	if r.client.Disconnect(); w.rng.IntN(2) == 0 {
		r.client.Expire()
	}
}

func (r *modelReplica) works() bool { return r.m != nil && !r.paused }

// step passes an event through a replica's machine, and carries out the actions.
func (w *replicasWorld) step(r *modelReplica, event Event) {
	if w.verbose {
		w.logf("%s: %s", r.name, replicaText(event))
	}
	saves := false
	var note *ledger.Note
	for _, a := range r.m.Step(w.now, event) {
		switch a := a.(type) {
		case NoteFirst:
			note = &a.Note
		case Send:
			w.logf("  %s: send %d %s %s unproven=%v others=%d", r.name, a.Stream, a.Name, a.Version, a.Unproven, len(a.Others))
			if !a.Unproven {
				w.release(r, a)
				continue
			}
			if note == nil || note.Version != a.Version.String() {
				w.failf("%s: unproven bytes without a note", r.name)
				continue
			}
			r.pending = append(r.pending, pendingSend{note: *note, send: a})
			note = nil
		case Propose:
			if w.verbose {
				w.logf("  %s: propose %s", r.name, recordText(&a.Record))
			}
			w.stats["proposals"]++
			r.client.Propose(a.Proposal)
			if a.DropRefusals != "" {
				w.decided(a.DropRefusals)
			}
		case Judged:
			w.logf("  %s: judge %+v", r.name, a.Verdict)
			r.client.Judge(a.Verdict, a.Candidate)
		case Lost:
			r.client.Lose(a.Note)
		case Settled:
			r.client.Settle(a.Notes)
		case Report:
			r.client.Report(a.Presence)
		case RolloutMoved:
			w.stats[string(a.Move)]++
		case Persist:
			saves = true
		}
	}
	if saves && w.rng.IntN(3) == 0 {
		unsettled := r.memory.Unsettled
		r.memory = r.m.Memory()
		r.m.Saved(r.memory.Seq)
		if w.rng.IntN(2) == 0 {
			r.memory.Unsettled = unsettled
		}
	}
	if w.bugs.sendsFirst {
		for i := range r.pending {
			if p := &r.pending[i]; !p.sent {
				p.sent = true
				w.release(r, p.send)
			}
		}
	}
	w.checkVerdicts()
}

// note has the ledger take the note of the first waiting send, which then goes out.
func (w *replicasWorld) note(r *modelReplica) bool {
	if !r.works() || len(r.pending) == 0 {
		return false
	}
	p := r.pending[0]
	r.pending = r.pending[1:]
	err := r.client.Note(context.Background(), []ledger.Note{p.note})
	w.logf("%s: note %s %s: %v", r.name, p.note.Node, p.note.Version, err)
	r.memory.Unsettled = r.m.Unsettled()
	switch {
	case p.sent:
	case err != nil:
		w.step(r, NotNoted{Stream: p.send.Stream, Name: p.send.Name})
	default:
		w.release(r, p.send)
	}
	return true
}

// release puts a response on the wire.
func (w *replicasWorld) release(r *modelReplica, a Send) {
	for _, e := range w.envoys {
		if e.at != r || e.stream != a.Stream {
			continue
		}
		if a.Unproven {
			w.checkUnproven(e, a)
		}
		e.inbox = append(e.inbox, a)
	}
}

// deliver has a replica hear of the next changes in the ledger.
func (w *replicasWorld) deliver(r *modelReplica, most int) (heard bool) {
	for range most {
		if !r.works() {
			return heard
		}
		e, is := r.client.Next()
		if !is {
			return heard
		}
		heard = true
		w.step(r, FromLedger{e})
	}
	return heard
}

func (w *replicasWorld) pass(d time.Duration) {
	w.now = w.now.Add(d)
	for _, r := range w.replicas {
		if next, is := w.next(r); is && !next.After(w.now) {
			w.step(r, Woken{})
		}
	}
}

func (w *replicasWorld) next(r *modelReplica) (time.Time, bool) {
	if !r.works() {
		return time.Time{}, false
	}
	return r.m.Next()
}

// sync has a replica's source see the newest specs.
func (w *replicasWorld) sync(r *modelReplica) {
	if r.works() && r.snapshot != w.snapshot {
		r.snapshot = w.snapshot
		w.step(r, SnapshotChanged{Snapshot: r.snapshot})
	}
}

// edit changes a spec in the source of all replicas.
func (w *replicasWorld) edit(name string) {
	w.number++
	r := (&snapshot.Revision{
		Filter: name, Type: spec.HTTP, Policy: spec.Closed, Module: snapshot.Module{SHA256: fmt.Sprintf("%064x", w.number%4), Size: 1000},
		RootID: fmt.Sprint(w.number), VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	w.known[r.ID] = true
	switch w.rng.IntN(6) {
	case 0:
		w.bad[r.ID] = ""
	case 1:
		w.bad[r.ID] = "1.40.0"
	}
	f := &snapshot.Filter{Name: name, Type: spec.HTTP, Policy: spec.Closed, Delivery: spec.Inline, Revision: r, Canary: spec.Canary{Count: w.rng.IntN(3)}}
	if w.rng.IntN(3) == 0 {
		f.Rollout = spec.Rollout{Soak: time.Duration(w.rng.IntN(3)) * time.Second, Steps: []spec.Step{{Count: 2}}}
	}
	var all []*snapshot.Filter
	for _, o := range w.snapshot.All() {
		if o.Name != name {
			all = append(all, o)
		}
	}
	w.snapshot = snapshot.New(append(all, f))
	w.logf("edit %s: %s, bad: %v", name, r.ID, w.bad)
}

func replicaText(e Event) string {
	switch e := e.(type) {
	case SnapshotChanged:
		return "snapshot " + e.Snapshot.Version()[:8]
	case FromLedger:
		if c, is := e.Event.(ledger.RecordChanged); is {
			return "ledger: " + recordText(&c.Record)
		}
		if c, is := e.Event.(ledger.PresenceChanged); is {
			text := fmt.Sprintf("presence of %s, gone=%v, seen %d", c.Presence.Replica, c.Gone, c.Presence.Seen)
			for _, n := range c.Presence.Counts {
				text += fmt.Sprintf(" [%s %s %s size %d canaries %d loading %d running %d named %s offer %s]",
					n.Filter, n.Revision, n.Envoy, n.Size, n.Canaries, n.Loading, n.Running, n.Named, n.Offer)
			}
			return text
		}
		return fmt.Sprintf("%T%+v", e.Event, e.Event)
	default:
		return fmt.Sprintf("%T%+v %s", e, e, answerText(e))
	}
}

func recordText(r *ledger.Record) string {
	way := ""
	if r.Rollout != nil {
		way = fmt.Sprintf(" way %s wave %d", r.Rollout.Revision, r.Rollout.Wave)
	}
	var canaries []string
	for _, c := range r.Canaries {
		canaries = append(canaries, c.Node+"="+c.Revision)
	}
	return fmt.Sprintf("%s #%d term %d mod %d wanted %s stable %s canaries %v shares %v stops %v older %v%s",
		r.Filter, r.Seq, r.Term, r.Mod, r.Wanted, r.Stable, canaries, r.Shares, r.Stops, r.Older, way)
}
