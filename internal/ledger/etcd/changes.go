package etcd

import (
	"fmt"
	"reflect"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// maker turns the queue into changes, under its lock.
type maker struct {
	l          *shared
	lease      clientv3.LeaseID
	nextReport time.Time
	reportedAt int64 // the last write of the presence, by this connection
	warned     bool  // another replica has the name
	sweep      sweep
}

// changes are the waiting changes of any replica. Notes come first, since Envoys wait for them.
func (w *maker) changes(now time.Time) (all []*change) {
	q := w.l.queue
	for number, n := range q.notes.first(mostChanges) {
		all = append(all, w.noteChange(number, n))
	}
	for key, v := range q.verdicts.first(mostChanges) {
		all = append(all, w.verdictChange(key, v))
	}
	for key, s := range q.settles.first(mostChanges) {
		all = append(all, w.settleChange(key, s))
	}
	for id, a := range q.asked.first(mostChanges) {
		all = append(all, w.askChange(id, a))
	}
	for key, r := range q.rewrites.first(mostChanges) {
		c := &change{compare: []clientv3.Cmp{isAt(key, 0)}, ended: func(bool, []*pb.ResponseOp) { q.rewrites.remove(key) }}
		c.put(key, r.value)
		all = append(all, c)
	}
	if p := q.presence; p != nil && !now.Before(w.nextReport) && !reflect.DeepEqual(p, q.reported) {
		all = append(all, w.presenceChange(p, now))
	}
	return all
}

func (w *maker) noteChange(number int, n *noting) *change {
	q, c := w.l.queue, &change{}
	for _, one := range n.notes {
		text, err := encode("the note of a node", one)
		if err != nil {
			n.ended <- err
			q.notes.remove(number)
			return &change{ended: func(bool, []*pb.ResponseOp) {}}
		}
		unjudged := w.l.keys.verdict(ledger.Verdict{Revision: one.Revision, Envoy: one.Envoy})
		c.compare = append(c.compare, isAt(w.l.keys.record(one.Filter), one.Mod), isAt(unjudged, 0))
		c.put(w.l.keys.note(one), text)
	}
	c.ended = func(won bool, _ []*pb.ResponseOp) {
		if _, waits := q.notes.get(number); !waits {
			return
		}
		q.notes.remove(number)
		if won {
			n.ended <- nil
			return
		}
		n.ended <- fmt.Errorf("the record of %s: %w", n.notes[0].Filter, ledger.ErrUnchanged)
	}
	return c
}

// verdictChange writes a verdict in the place of none, or a refusal in the place of a success.
func (w *maker) verdictChange(key string, v *judgement) *change {
	q := w.l.queue
	c := &change{compare: []clientv3.Cmp{isAt(key, v.seen)}, otherwise: []clientv3.Op{clientv3.OpGet(key)}}
	text, err := encode("a verdict", v.verdict)
	if err != nil { // its message is bounded, so this is no verdict of ours
		q.verdicts.remove(key)
		return &change{ended: func(bool, []*pb.ResponseOp) {}}
	}
	c.put(key, text)
	c.ended = func(won bool, other []*pb.ResponseOp) {
		if now, _ := q.verdicts.get(key); now != v {
			return // a newer one waits
		}
		there, mod := value(other)
		known, err := decode[ledger.Verdict](there)
		switch {
		case won, mod != 0 && err == nil && (!known.Loads || v.verdict.Loads || !v.candidate):
			q.verdicts.remove(key)
		default:
			v.seen = mod // again, with what is there
		}
	}
	return c
}

// settleChange deletes a note that is still about the same bytes, or writes its losses.
func (w *maker) settleChange(key string, s *settling) *change {
	q := w.l.queue
	c := &change{compare: []clientv3.Cmp{isAt(key, s.seen)}, otherwise: []clientv3.Op{clientv3.OpGet(key)}}
	text, err := encode("the note of a node", s.note)
	switch {
	case err != nil:
		q.settles.remove(key)
		return &change{ended: func(bool, []*pb.ResponseOp) {}}
	case s.seen == 0: // look first
		c.keys = []string{key}
	case s.lose:
		c.put(key, text)
	default:
		c.del(key)
	}
	c.ended = func(won bool, other []*pb.ResponseOp) {
		if now, _ := q.settles.get(key); now != s {
			return
		}
		there, mod := value(other)
		known, err := decode[ledger.Note](there)
		if won || err != nil || known.Version != s.note.Version {
			q.settles.remove(key)
			return
		}
		s.seen = mod
	}
	return c
}

func (w *maker) askChange(id string, a *asking) *change {
	q, key := w.l.queue, w.l.keys.command(id)
	text, err := encode("the command", a.command)
	if err != nil {
		q.asked.remove(id)
		w.l.answer(ledger.CommandEnded{ID: id, Problem: problemOf(err)})
		return &change{ended: func(bool, []*pb.ResponseOp) {}}
	}
	c := &change{compare: []clientv3.Cmp{isAt(key, 0)}, ended: func(bool, []*pb.ResponseOp) { q.asked.remove(id) }}
	c.put(key, text, clientv3.WithLease(w.lease))
	return c
}

func (w *maker) presenceChange(p *ledger.Presence, now time.Time) *change {
	q, sent := w.l.queue, *p
	text, err := encode("the report of this replica", sent)
	for err != nil && len(sent.Counts) > 0 {
		sent.Counts = sent.Counts[:len(sent.Counts)/2]
		text, err = encode("the report of this replica", sent)
		w.l.log.Error("the report of this replica has too many filters for etcd: the leader does not hear of all", zap.Int("told", len(sent.Counts)))
	}
	key := w.l.keys.replica(sent.Replica)
	c := &change{compare: []clientv3.Cmp{isAt(key, w.reportedAt)}, otherwise: []clientv3.Op{clientv3.OpGet(key)}}
	c.put(key, text, clientv3.WithLease(w.lease))
	c.then = append(c.then, clientv3.OpGet(key)) // for the number of the write
	c.ended = func(won bool, answer []*pb.ResponseOp) {
		w.nextReport = now.Add(reportEvery)
		if won {
			_, w.reportedAt = value(answer[1:])
			q.reported = p
			return
		}
		there, mod := value(answer)
		other, err := decode[ledger.Presence](there)
		if mod == 0 || err != nil || other.URL == sent.URL {
			w.reportedAt = mod // an earlier process of this replica
			return
		}
		w.nextReport = now.Add(lookEvery)
		if !w.warned {
			w.warned = true
			w.l.log.Error("another replica has the name of this one, so the leader does not know of this one's Envoys",
				zap.String("replica", sent.Replica), zap.String("url", other.URL), zap.String("hint", "give each replica its own --replica-name"))
		}
	}
	return c
}
