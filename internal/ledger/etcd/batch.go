package etcd

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
)

// mostChanges bounds the changes of a transaction. etcd takes 128 operations.
const mostChanges = 50

// change is a transaction of its own, which travels inside another one with further changes. Each
// has its own comparisons, so a lost one spoils no other.
type change struct {
	compare   []clientv3.Cmp
	then      []clientv3.Op
	otherwise []clientv3.Op
	keys      []string // that it writes
	size      int      // of its values, in bytes
	// ended takes the outcome, with the answers to otherwise if the comparison was lost. It runs
	// under the lock of the queue.
	ended func(won bool, other []*pb.ResponseOp)
}

func (c *change) put(key, value string, options ...clientv3.OpOption) {
	c.then = append(c.then, clientv3.OpPut(key, value, options...))
	c.keys, c.size = append(c.keys, key), c.size+len(key)+len(value)
}

func (c *change) del(key string) {
	c.then = append(c.then, clientv3.OpDelete(key))
	c.keys, c.size = append(c.keys, key), c.size+len(key)
}

func (c *change) op() clientv3.Op { return clientv3.OpTxn(c.compare, c.then, c.otherwise) }

// cut returns the first changes that fit into one transaction. etcd refuses a transaction that
// writes a key twice, so a second change of a key waits.
func cut(all []*change) (first, rest []*change) {
	size, written := 0, map[string]struct{}{}
	for i, c := range all {
		for _, key := range c.keys {
			if _, twice := written[key]; twice {
				return all[:i], all[i:]
			}
		}
		if size += c.size; i > 0 && (i >= mostChanges || size > etcdclient.MostRequest) {
			return all[:i], all[i:]
		}
		for _, key := range c.keys {
			written[key] = struct{}{}
		}
	}
	return all, nil
}

// isAt compares the last write of a key; 0: there is no such key.
func isAt(key string, mod int64) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(key), "=", mod)
}

// value is the key that an answer to a question has; nil: there is none.
func value(other []*pb.ResponseOp) (text []byte, mod int64) {
	if len(other) == 0 {
		return nil, 0
	}
	answer := other[0].GetResponseRange()
	if answer == nil || len(answer.Kvs) == 0 {
		return nil, 0
	}
	return answer.Kvs[0].Value, answer.Kvs[0].ModRevision
}
