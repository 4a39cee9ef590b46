package etcd

import (
	"errors"
	"maps"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// outcomeLife is how long the outcome of a command stays, in seconds.
const outcomeLife = 60

// ledChanges are the waiting changes of the leader with the term. outcomes is the lease of the
// outcomes of commands. Proposals of another term are answered at once.
func (w *maker) ledChanges(term int64, outcomes clientv3.LeaseID) (all []*change) {
	q := w.l.queue
	for done, f := range q.freezes.first(mostChanges) {
		if f.term != term {
			q.freezes.remove(done)
			continue
		}
		all = append(all, w.freezeChange(done, f, outcomes))
	}
	for key, mod := range w.sweep.due(w.l.mirror, time.Now()) {
		c := &change{compare: []clientv3.Cmp{isAt(key, mod)}, ended: func(bool, []*pb.ResponseOp) {}}
		c.del(key)
		all = append(all, c)
	}
	for filter, p := range q.proposals.first(mostChanges) {
		if p.Record.Term != term {
			q.proposals.remove(filter)
			w.l.answer(ledger.Unchanged{Filter: filter})
			continue
		}
		one, err := w.proposalChanges(p, outcomes)
		if err != nil {
			w.l.log.Error("a decision does not fit into etcd: the filter goes on with its last one", zap.String("filter", filter), zap.Error(err))
			q.proposals.remove(filter)
			w.l.answer(ledger.Unchanged{Filter: filter})
			continue
		}
		all = append(all, one...)
	}
	return all
}

func (w *maker) freezeChange(done string, f *freezing, outcomes clientv3.LeaseID) *change {
	c := &change{ended: func(bool, []*pb.ResponseOp) { w.l.queue.freezes.remove(done) }}
	if text, err := encode("the freeze", f.hold); err == nil && f.hold != nil {
		c.put(w.l.keys.freeze(), text)
	} else {
		c.del(w.l.keys.freeze())
	}
	w.endCommand(c, done, "", outcomes)
	return c
}

// endCommand removes a command and writes its outcome.
func (w *maker) endCommand(c *change, id, problem string, lease clientv3.LeaseID) {
	if id == "" {
		return
	}
	text, err := encode("the outcome", outcome{short(problem)})
	if err != nil {
		return // it is a bounded text
	}
	c.del(w.l.keys.command(id))
	c.put(w.l.keys.outcome(id), text, clientv3.WithLease(lease))
}

// proposalChanges writes a record with its contents. Contents that are too large for a request go
// before the record.
func (w *maker) proposalChanges(p *proposal, outcomes clientv3.LeaseID) (all []*change, err error) {
	q, m, filter := w.l.queue, w.l.mirror, p.Record.Filter
	key := w.l.keys.record(filter)
	last := &change{compare: []clientv3.Cmp{isAt(key, p.Record.Mod)}}
	if p.Gone {
		last.del(key)
		for id := range m.contents[filter] {
			last.del(w.l.keys.content(filter, id))
		}
	} else {
		text, err := encode("the record of "+filter, p.Record)
		if err != nil {
			return nil, err
		}
		if all, err = w.contentChanges(last, p); err != nil {
			return nil, err
		}
		last.put(key, text)
	}
	for k, e := range m.entries {
		if v, is := e.value.(ledger.Verdict); is && p.DropRefusals != "" && v.Revision == p.DropRefusals && !v.Loads {
			last.del(k)
		}
	}
	ended := maps.Clone(p.Ended)
	for _, id := range p.Done {
		if _, is := ended[id]; !is {
			w.endCommand(last, id, "", outcomes)
		}
	}
	for id, problem := range ended {
		w.endCommand(last, id, problem, outcomes)
	}
	if len(last.then) > mostOperations {
		return nil, errors.New("it has more operations than etcd takes in one step")
	}
	last.ended = func(won bool, _ []*pb.ResponseOp) {
		if now, _ := q.proposals.get(filter); now == p {
			q.proposals.remove(filter)
			if !won {
				w.l.answer(ledger.Unchanged{Filter: filter})
			}
		}
	}
	return append(all, last), nil
}

// mostOperations bounds the operations of a change. etcd takes 128.
const mostOperations = 120

// contentChanges adds the contents that etcd lacks, and the removal of contents that the record
// does not mention any more.
func (w *maker) contentChanges(last *change, p *proposal) (before []*change, err error) {
	filter, known := p.Record.Filter, w.l.mirror.contents[p.Record.Filter]
	missing, size := map[string]string{}, 0
	for _, r := range p.Contents {
		if known[r.ID] != nil || !mentions(p.Record, r.ID) {
			continue
		}
		text, err := encodeRevision(w.l.cfg.Access.Keys(), r)
		if err != nil {
			return nil, err
		}
		missing[w.l.keys.content(filter, r.ID)] = text
		size += len(text)
	}
	for id := range known {
		if !mentions(p.Record, id) {
			last.del(w.l.keys.content(filter, id))
		}
	}
	for key, text := range missing {
		into := last
		if size > etcdclient.MostRequest/2 {
			into = &change{ended: func(bool, []*pb.ResponseOp) {}}
			before = append(before, into)
		}
		into.put(key, text)
	}
	return before, nil
}
