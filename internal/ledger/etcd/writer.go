package etcd

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// writer writes the changes of the queue, as long as a connection lasts. A change stays in the
// queue until etcd has answered, so a change is written twice rather than never. run's goroutine
// owns the fields.
type writer struct {
	maker
	client *clientv3.Client
	fence  string        // this replica's key of the election
	term   atomic.Int64  // 0: this replica does not lead
	lost   chan struct{} // has a value once etcd has refused a change of the leader

	complained string // the last problem in the log
}

// lead says whether this replica leads.
func (w *writer) lead(term int64) {
	if w.term.Swap(term) != term {
		w.l.queue.changed()
	}
}

// errLeadLost says another replica leads.
var errLeadLost = errors.New("another replica leads")

// run writes until ctx ends.
func (w *writer) run(ctx context.Context) {
	for {
		more, err := w.round(ctx)
		wait := time.NewTimer(w.pause(more, err))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		case <-w.l.queue.wakeUnless(more, err):
		}
		wait.Stop()
	}
}

// pause is the time until the next round without a change of the queue.
func (w *writer) pause(more bool, err error) time.Duration {
	switch {
	case err != nil:
		return lookEvery / 4
	case more:
		return 0
	}
	if left := time.Until(w.nextReport); left > 0 {
		return left
	}
	return sweepEvery
}

// wakeUnless is the queue's channel; nil: the writer goes on by itself.
func (q *queue) wakeUnless(more bool, err error) <-chan struct{} {
	if more || err != nil {
		return nil
	}
	return q.wake
}

// round writes what waits. more: further changes wait.
func (w *writer) round(ctx context.Context) (more bool, err error) {
	var all []*change
	w.l.queue.locked(func() { all = w.changes(time.Now()) })
	more = len(all) > 0
	if err := w.write(ctx, all, nil); err != nil {
		return more, w.complain(ctx, err)
	}
	term := w.term.Load()
	if term == 0 {
		return more, nil
	}
	outcomes, err := w.outcomeLease(ctx)
	if err != nil {
		return more, w.complain(ctx, err)
	}
	w.l.queue.locked(func() { all = w.ledChanges(term, outcomes) })
	more = more || len(all) > 0
	fence := clientv3.Compare(clientv3.CreateRevision(w.fence), "=", term)
	err = w.write(ctx, all, &fence)
	if errors.Is(err, errLeadLost) {
		w.term.CompareAndSwap(term, 0)
		select {
		case w.lost <- struct{}{}:
		default:
		}
	}
	if err != nil {
		return more, w.complain(ctx, err)
	}
	w.complained = ""
	return more, nil
}

// outcomeLease is a lease for the outcomes of commands, if any command ends now.
func (w *writer) outcomeLease(ctx context.Context) (clientv3.LeaseID, error) {
	needed := false
	w.l.queue.locked(func() { needed = w.l.queue.hasOutcomes() })
	if !needed {
		return clientv3.NoLease, nil
	}
	within, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	lease, err := w.client.Grant(within, outcomeLife)
	if err != nil {
		return clientv3.NoLease, err
	}
	return lease.ID, nil
}

// write writes changes. With a fence, each transaction also compares the fence.
func (w *writer) write(ctx context.Context, all []*change, fence *clientv3.Cmp) error {
	for len(all) > 0 {
		var batch []*change
		batch, all = cut(all)
		ops := make([]clientv3.Op, 0, len(batch))
		for _, c := range batch {
			ops = append(ops, c.op())
		}
		within, cancel := context.WithTimeout(ctx, answerLimit)
		txn := w.client.Txn(within)
		if fence != nil {
			txn = txn.If(*fence)
		}
		answer, err := txn.Then(ops...).Commit()
		cancel()
		if err != nil {
			return err
		}
		if !answer.Succeeded {
			return errLeadLost
		}
		w.l.queue.locked(func() {
			for i, c := range batch {
				one := answer.Responses[i].GetResponseTxn()
				c.ended(one.Succeeded, one.Responses)
			}
		})
	}
	return nil
}

// complain logs each kind of problem once.
func (w *writer) complain(ctx context.Context, err error) error {
	problem := w.l.cfg.Access.Problem(err)
	if ctx.Err() != nil || errors.Is(err, errLeadLost) || problem.Code == w.complained {
		return err
	}
	w.complained = problem.Code
	w.l.log.Warn("changes wait for etcd", zap.String("reason", problem.Message), zap.String("hint", problem.Hint))
	return err
}
