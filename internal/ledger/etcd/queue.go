package etcd

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// reportEvery is the least time between two writes of the presence.
const reportEvery = 500 * time.Millisecond

// mostWaiting bounds the changes of each kind that wait for etcd. A change beyond is dropped: the
// machine comes back to a verdict and to a note with the node's next answer.
const mostWaiting = 10_000

// queue has the changes that are not in etcd yet. A newer change replaces an older one of the same
// key. Any goroutine may call the methods. The zero value is not ready: use newQueue.
type queue struct {
	wake chan struct{} // has a value after a change

	mu        sync.Mutex
	proposals ordered[string, *proposal]  // by filter; of the leader
	freezes   ordered[string, *freezing]  // by command; of the leader
	notes     ordered[int, *noting]       // by number
	verdicts  ordered[string, *judgement] // by key
	settles   ordered[string, *settling]  // by key
	asked     ordered[string, *asking]    // by id
	rewrites  ordered[string, *rewriting] // by key, after the restore of a backup
	presence  *ledger.Presence            // the newest; nil: none yet
	reported  *ledger.Presence            // that etcd has under the present lease
	numbers   int
}

// The items of the queue. seen is the last write of the key, once the writer has looked at its
// value; 0: it has not, or there is no such key.
type (
	proposal struct{ ledger.Proposal }
	freezing struct {
		term int64
		hold *rollout.Hold
		done string
	}
	noting struct {
		notes []ledger.Note
		ended chan error // takes one value without blocking
	}
	judgement struct {
		verdict   ledger.Verdict
		candidate bool
		seen      int64
	}
	settling struct {
		note ledger.Note
		lose bool // writes the note instead of deleting it
		seen int64
	}
	asking    struct{ command ledger.Command }
	rewriting struct{ key, value string }
)

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// changed wakes the writer.
func (q *queue) changed() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// with runs a change under the lock, and wakes the writer.
func (q *queue) with(change func()) {
	q.mu.Lock()
	change()
	q.mu.Unlock()
	q.changed()
}

// locked runs a change of the writer under the lock.
func (q *queue) locked(change func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change()
}

// propose queues a proposal, which replaces an older one of the filter. The ends of commands in the
// older one stay.
func (q *queue) propose(p ledger.Proposal) {
	q.with(func() {
		if old, is := q.proposals.get(p.Record.Filter); is {
			p = carryOver(p, old.Proposal)
		}
		q.proposals.set(p.Record.Filter, &proposal{p})
	})
}

func carryOver(p, old ledger.Proposal) ledger.Proposal {
	ended := map[string]string{}
	for id, problem := range old.Ended {
		ended[id] = problem
	}
	for id, problem := range p.Ended {
		ended[id] = problem
	}
	p.Ended = ended
	p.Done = append(append([]string(nil), old.Done...), p.Done...)
	if p.DropRefusals == "" {
		p.DropRefusals = old.DropRefusals
	}
	return p
}

// judge queues a verdict. A refusal replaces a success, and never the other way round.
func (q *queue) judge(key string, v ledger.Verdict, candidate bool) {
	v.Message = short(v.Message)
	q.with(func() {
		if old, is := q.verdicts.get(key); is && !old.verdict.Loads && v.Loads || !is && q.verdicts.size() >= mostWaiting {
			return
		}
		q.verdicts.set(key, &judgement{verdict: v, candidate: candidate})
	})
}

// settle queues the end of a note, or with lose its newest losses.
func (q *queue) settle(key string, n ledger.Note, lose bool) {
	q.with(func() {
		if _, is := q.settles.get(key); !is && q.settles.size() >= mostWaiting {
			return
		}
		q.settles.set(key, &settling{note: n, lose: lose})
	})
}

// errTooMany is the error for notes beyond [mostWaiting].
var errTooMany = errors.New("too many notes wait for etcd")

// note queues notes, and takes the changes of earlier notes of these nodes out of the queue.
func (q *queue) note(keys []string, all []ledger.Note) (number int, ended chan error) {
	ended = make(chan error, 1)
	q.with(func() {
		if q.notes.size() >= mostWaiting {
			ended <- errTooMany
			return
		}
		for _, key := range keys {
			q.settles.remove(key)
		}
		q.numbers++
		number = q.numbers
		q.notes.set(number, &noting{all, ended})
	})
	return number, ended
}

// forget takes notes out of the queue that nobody waits for.
func (q *queue) forget(number int) { q.with(func() { q.notes.remove(number) }) }

// report queues the presence.
func (q *queue) report(p ledger.Presence) { q.with(func() { q.presence = &p }) }

// newLease says that etcd has no presence of this replica any more.
func (q *queue) newLease() { q.with(func() { q.reported = nil }) }

// resign drops what only the leader of a term may write. It returns the filters of the proposals.
func (q *queue) resign() (unchanged []string) {
	q.with(func() {
		for filter := range q.proposals.all() {
			unchanged = append(unchanged, filter)
		}
		q.proposals, q.freezes = ordered[string, *proposal]{}, ordered[string, *freezing]{}
	})
	return unchanged
}

// hasOutcomes says whether a command ends with the waiting changes.
func (q *queue) hasOutcomes() bool {
	if q.freezes.size() > 0 {
		return true
	}
	for _, p := range q.proposals.all() {
		if len(p.Done) > 0 || len(p.Ended) > 0 {
			return true
		}
	}
	return false
}

// problemOf is a sentence for a command that cannot be written.
func problemOf(err error) string { return fmt.Sprintf("the change was not made: %s", err) }
