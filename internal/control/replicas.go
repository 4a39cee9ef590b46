package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// noteLimit bounds the wait of an unproven send for its note. A replica that was paused between the
// note and the send may have lost its place, so a late answer does not count either.
const noteLimit = 5 * time.Second

// Replicas are the replicas of a fleet as this one knows them. Immutable.
type Replicas struct {
	Term   int64  // of this replica; 0: it does not lead
	Leader string // the name of the leader; "": not known
	// Problem is why the shared decisions cannot be reached, one sentence; "": they are reached.
	Problem string
	Since   time.Time // the begin of the problem
	// Others are the other replicas, sorted by name.
	Others []ledger.Presence
}

// replicas is the access to the decisions that several replicas share. Run's goroutine calls the
// methods. Without a ledger the server decides alone, and nothing here has an effect.
type replicas struct {
	ledger  ledger.Ledger   // nil: the server decides alone
	self    ledger.Presence // what the machine does not know of this replica
	inbox   *inbox
	workers *workers

	notes   map[delivery.StreamID]ledger.Note // of the unproven sends that follow
	waiting map[string]chan<- string          // the clients that wait for the outcome of a command, by its id
	shown   *atomic.Pointer[Replicas]         // for other goroutines
}

func newReplicas(cfg Config, in *inbox, w *workers, shown *atomic.Pointer[Replicas]) replicas {
	shown.Store(&Replicas{})
	return replicas{
		ledger: cfg.Ledger, self: cfg.Replica, inbox: in, workers: w,
		notes: map[delivery.StreamID]ledger.Note{}, waiting: map[string]chan<- string{}, shown: shown,
	}
}

// shared says whether there are other replicas to decide with.
func (r *replicas) shared() bool { return r.ledger != nil }

// run connects to the ledger until ctx ends.
func (r *replicas) run(ctx context.Context) {
	if !r.shared() {
		return
	}
	r.workers.Go(func() {
		// The ledger returns with ctx alone.
		_ = r.ledger.Run(ctx, func(e ledger.Event) { r.inbox.post(ledgerTold{e}) })
	})
}

// take notes what concerns the replicas themselves, before the machine takes the event.
func (r *replicas) take(e ledger.Event, now time.Time) {
	next := *r.shown.Load()
	switch e := e.(type) {
	case ledger.Led:
		next.Term, next.Leader = e.Term, e.Leader
	case ledger.Reached:
		if next.Problem == "" && !e.OK {
			next.Since = now
		}
		next.Problem = e.Why
		if e.OK {
			next.Since = time.Time{}
		}
	case ledger.PresenceChanged:
		if e.Presence.Replica == r.self.Replica {
			return
		}
		others := slices.DeleteFunc(slices.Clone(next.Others), func(p ledger.Presence) bool { return p.Replica == e.Presence.Replica })
		if !e.Gone {
			others = append(others, e.Presence)
		}
		slices.SortFunc(others, func(a, b ledger.Presence) int { return strings.Compare(a.Replica, b.Replica) })
		next.Others = others
	case ledger.CommandEnded:
		r.end(e.ID, e.Problem)
		return
	default:
		return
	}
	r.shown.Store(&next)
}

// ask hands a command to the leader. The channel gets the outcome.
func (r *replicas) ask(c ledger.Command) <-chan string {
	outcome := make(chan string, 1)
	r.waiting[c.ID] = outcome
	r.ledger.Ask(c)
	return outcome
}

// end tells the client that waits for a command.
func (r *replicas) end(id, problem string) {
	if outcome := r.waiting[id]; outcome != nil {
		outcome <- problem // the channel has room for one
		delete(r.waiting, id)
	}
}

// carryOut carries out an action that concerns the ledger, and says whether it was one.
func (r *replicas) carryOut(a delivery.Action) bool {
	switch a := a.(type) {
	case delivery.NoteFirst:
		r.notes[a.Stream] = a.Note
	case delivery.Propose:
		r.ledger.Propose(a.Proposal)
	case delivery.Judged:
		r.ledger.Judge(a.Verdict, a.Candidate)
	case delivery.Lost:
		r.ledger.Lose(a.Note)
	case delivery.Settled:
		r.ledger.Settle(a.Notes)
	case delivery.Report:
		p := a.Presence
		p.Replica, p.URL, p.Key, p.Version, p.Since = r.self.Replica, r.self.URL, r.self.Key, r.self.Version, r.self.Since
		r.ledger.Report(p)
	case delivery.Freeze:
		r.freeze(a)
	default:
		return false
	}
	return true
}

// freeze has the freeze of the fleet written.
func (r *replicas) freeze(a delivery.Freeze) {
	var hold *rollout.Hold
	if c := a.Command; c.Kind == ledger.Freeze {
		hold = &rollout.Hold{By: c.By, Reason: c.Reason, At: c.At}
	}
	r.ledger.Freeze(a.Term, hold, a.Command.ID)
}

// note has the ledger know of an unproven send, and posts the outcome.
func (r *replicas) note(send delivery.Send) {
	n, is := r.notes[send.Stream]
	delete(r.notes, send.Stream)
	if !is {
		r.workers.Go(func() { r.inbox.post(sendNoted{send, errNoNote}) })
		return
	}
	began := time.Now()
	r.workers.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), noteLimit)
		defer cancel()
		err := r.ledger.Note(ctx, []ledger.Note{n})
		if err == nil && time.Since(began) > noteLimit {
			err = errLateNote
		}
		r.inbox.post(sendNoted{send, err})
	})
}

var (
	errNoNote   = errors.New("nothing names the Envoy as a canary")
	errLateNote = errors.New("the server was paused since")
)
