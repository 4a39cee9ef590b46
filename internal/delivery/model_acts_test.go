package delivery

import (
	"time"
)

// act lets something happen.
func (w *world) act(op byte) {
	e := w.envoys[int(op>>5)%len(w.envoys)]
	if w.calm {
		// Between events the Envoys take most of their responses.
		for range w.rng.IntN(12) {
			other := w.envoys[w.rng.IntN(len(w.envoys))]
			w.receive(other)
			w.answer(other)
			w.fetch(other, false)
		}
	}
	switch op % 32 {
	case 0, 1:
		w.edit(w.names[w.rng.IntN(len(w.names))])
	case 2:
		w.cut(e)
	case 3:
		w.restartEnvoy(e)
	case 4:
		w.restartServer()
	case 5:
		w.relist(e, e.names[w.rng.IntN(len(e.names))])
	case 6:
		w.fetch(e, true)
	case 7, 8, 9:
		w.fetch(e, false)
	case 10, 11:
		w.connect(e)
	case 15:
		e.moody = true // only says that a good revision is refused
	case 12:
		w.pass(25 * time.Millisecond)
	case 13:
		w.pass(time.Second)
	case 14:
		w.pass(20 * time.Second)
	case 16:
		w.quiesce()
	case 17:
		name := w.names[w.rng.IntN(len(w.names))]
		switch w.rng.IntN(4) {
		case 0:
			w.promote(name)
		case 1:
			w.retry(name)
		default:
			w.steer()
		}
	default:
		if op%2 == 0 {
			w.receive(e)
		} else {
			w.answer(e)
		}
	}
}

// settle brings everything under way to an end, and says whether the end was reached.
func (w *world) settle() bool {
	for _, e := range w.envoys {
		w.connect(e)
	}
	w.settles = true
	w.step(ModulesRestored{})
	// No pause is waited for: all Envoys are back, and answer.
	if w.settleUntil(w.now.Add(25 * time.Second)); len(w.problems) > 0 {
		return true
	}
	w.endHolds()
	w.decide()
	w.settleUntil(w.now.Add(70 * time.Second))
	w.endHolds() // a rollout may have gone back meanwhile
	w.decide()
	w.settleUntil(w.now.Add(70 * time.Second))
	w.checkSettled()
	return len(w.problems) > 0 || w.settleUntil(time.Time{})
}

// settleUntil is settle for the connected Envoys, up to the time end; zero: no limit.
func (w *world) settleUntil(end time.Time) bool {
	for range 400 {
		busy := false
		for _, e := range w.envoys {
			busy = busy || len(e.inbox)+len(e.outbox)+len(e.gets) > 0
			w.receive(e)
			w.answer(e)
			w.fetch(e, false)
		}
		if busy {
			continue
		}
		if w.settles && !end.IsZero() && w.goOn() {
			continue
		}
		next, ok := w.m.Next()
		if !ok || !end.IsZero() && next.After(end) {
			return true
		}
		w.now = next
		w.step(Woken{})
	}
	return false
}
