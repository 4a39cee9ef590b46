package delivery

import (
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// act lets something happen.
func (w *replicasWorld) act(op byte) {
	e, r := w.envoys[w.rng.IntN(len(w.envoys))], w.replicas[w.rng.IntN(len(w.replicas))]
	switch op % 40 {
	case 0:
		w.edit(w.names[w.rng.IntN(len(w.names))])
	case 1, 2, 3:
		w.sync(r)
	case 4:
		w.cut(e)
	case 5:
		w.cut(e)
		if e.at == nil {
			w.logf("%s restarts", e.id)
			e.providers = map[string]*provider{}
		}
	case 6, 7, 8:
		w.connect(e, r)
	case 9:
		w.kill(r)
	case 10, 11:
		w.start(r)
	case 12:
		w.pause(r)
	case 13, 14:
		w.resume(r)
	case 15:
		if r.m != nil {
			w.logf("%s is cut off from the ledger", r.name)
			r.client.Disconnect()
		}
	case 16:
		if r.m != nil && !r.client.IsConnected() {
			w.logf("the lease of %s expires", r.name)
			r.client.Expire()
		}
	case 17, 18:
		if r.works() {
			r.client.Connect()
		}
	case 19:
		w.pass(100 * time.Millisecond)
	case 20:
		w.pass(time.Second)
	case 21:
		w.pass(20 * time.Second)
	case 22:
		w.command(r)
	case 23:
		e.moody = w.rng.IntN(4) == 0
	case 24:
		if w.rng.IntN(4) == 0 {
			w.heal()
			w.settleFor(10 * time.Second)
		}
	case 25, 26:
		w.note(r)
	case 27, 28, 29, 30, 31:
		w.deliver(r, 1+w.rng.IntN(6))
	default:
		if w.receive(e); op%2 == 0 {
			w.answer(e)
		}
	}
}

// pause stops a replica. Its lease may end meanwhile.
func (w *replicasWorld) pause(r *modelReplica) {
	if !r.works() {
		return
	}
	w.logf("%s is paused", r.name)
	r.paused = true
	if w.rng.IntN(2) == 0 {
		r.client.Expire()
	}
}

func (w *replicasWorld) resume(r *modelReplica) {
	if r.m == nil || !r.paused {
		return
	}
	w.logf("%s goes on", r.name)
	r.paused = false
	r.client.Resume()
	w.step(r, Woken{})
}

// command has a user command something on any replica.
func (w *replicasWorld) command(r *modelReplica) {
	f := w.snapshot.Get(w.names[w.rng.IntN(len(w.names))])
	if f == nil || !r.works() {
		return
	}
	w.number++
	c := ledger.Command{ID: fmt.Sprint(w.number), Filter: f.Name, Revision: f.Revision.ID, By: "ann", Replica: r.name}
	c.Kind = []ledger.Kind{ledger.Promote, ledger.Pause, ledger.Resume, ledger.Abort, ledger.Tried}[w.rng.IntN(5)]
	w.logf("command %+v", c)
	if c.Kind == ledger.Promote {
		w.decided(f.Revision.ID)
	}
	r.client.Ask(c)
}

// decided notes that a user wants a revision tried: nobody need be waited for.
func (w *replicasWorld) decided(revision string) {
	for key := range w.tried {
		if key.Revision == revision {
			delete(w.tried, key)
		}
	}
	for key := range w.refused {
		if key.Revision == revision {
			delete(w.refused, key)
		}
	}
	for key := range w.met {
		if key.Revision == revision {
			delete(w.met, key)
		}
	}
}
