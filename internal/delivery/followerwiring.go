package delivery

import "github.com/wasm-xds/wasm-xds/internal/ledger"

// wire makes the parts of a follower, and has the machine's parts tell it the events.
func (e *follower) wire(p *progress, r *rollouts) *follower {
	h := halts{e.step}
	e.halts, e.peers = h, newPeers()
	e.enrolment = &enrolment{step: e.step, replica: e.replica, progress: p}
	e.reporter = &reporter{step: e.step, replica: e.replica, filters: e.filters, set: e.specs.snapshot, counted: map[string]struct{}{}}
	e.leader = &leader{
		step: e.step, replica: e.replica, peers: e.peers, halts: h, pause: e.pause,
		orders: &orders{step: e.step, halts: h, replica: e.replica},
	}
	e.notebook = &notebook{
		step: e.step, replica: e.replica, followed: e.followed, peers: e.peers, filters: e.filters, verdicts: e.verdicts, record: e.record,
		pause: e.pause, look: e.look,
	}
	r.share(e)
	e.specs.onForget(e.forgot)
	e.record.OnSettled(e.notebook.settled)
	return e
}

// steer hands the event of a user, or a look at the health, to the leader's decisions. On another
// replica it has no effect: the commands of users go to the ledger.
func (e *follower) steer(event Event) {
	switch c := event.(type) {
	case Promoted:
		e.order(ledger.Command{Kind: ledger.Promote, Filter: c.Name, Revision: c.Revision, By: c.By})
	case Retried:
		e.order(ledger.Command{Kind: ledger.Tried, Filter: c.Name, Revision: c.Revision})
	case Paused:
		e.order(ledger.Command{Kind: ledger.Pause, Filter: c.Name, Revision: c.Revision, By: c.By, Reason: c.Reason})
	case Resumed:
		e.order(ledger.Command{Kind: ledger.Resume, Filter: c.Name, Revision: c.Revision})
	case Aborted:
		e.order(ledger.Command{Kind: ledger.Abort, Filter: c.Name, Revision: c.Revision, By: c.By, Reason: c.Reason})
	case HealthLooked:
		if f := e.filters.get(c.Filter); f != nil && e.replica.mayPropose() {
			f.followed.look(c)
			e.look(f)
		}
	}
}

// order has the leader carry out a command.
func (e *follower) order(c ledger.Command) {
	if f := e.filters.get(c.Filter); f != nil && e.replica.mayPropose() {
		f.followed.command(c)
		e.look(f)
	}
}
