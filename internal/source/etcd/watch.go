package etcd

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
)

// watch is an open watch of the head, or none.
type watch struct {
	answers <-chan clientv3.WatchResponse // nil: no watch
	from    int64                         // the first revision that the watch reports
	close   context.CancelFunc
}

// open watches the head from a revision on, and does not wait for etcd.
func (w *watch) open(ctx context.Context, client *clientv3.Client, p etcdspecs.Place, from int64) {
	w.end()
	ctx, w.close = context.WithCancel(ctx)
	w.answers, w.from = etcdclient.Watch(ctx, client, p.Head(), clientv3.WithRev(from)), from
}

// end ends the watch, and waits for its end.
func (w *watch) end() {
	if w.close != nil {
		w.close()
		for range w.answers { // until it is closed
			continue
		}
	}
	*w = watch{}
}

// covers says whether the watch reports each change after a revision. After a restore from a
// backup, etcd is at an earlier revision than the watch, and the watch would stay silent.
func (w *watch) covers(revision int64) bool { return w.answers != nil && revision+1 >= w.from }

// change is the meaning of an answer of a watch.
type change int

const (
	nothing change = iota // such as a sign of progress
	newHead               // the head has a new value
	lookNow               // only a look tells: the head is gone, or the watch has ended
)

// judge returns the meaning of an answer, and the newest event. open is false after the last
// answer.
func judge(answer clientv3.WatchResponse, open bool) (change, *clientv3.Event) {
	// A compacted revision ends the watch, too: the changes before it cannot be told any more.
	if !open || answer.Canceled || answer.Err() != nil {
		return lookNow, nil
	}
	if len(answer.Events) == 0 {
		return nothing, nil
	}
	last := answer.Events[len(answer.Events)-1]
	if last.Type == clientv3.EventTypePut {
		return newHead, last
	}
	return lookNow, last
}
