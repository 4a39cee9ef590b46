package etcdspecs

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"oras.land/oras-go/v2/content"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/seal"
)

const (
	lockWait   = 2 * time.Minute
	unlockTime = 2 * time.Second
	listPage   = 1000 // keys
)

// Pusher writes bundles to a place.
type Pusher struct {
	Client *clientv3.Client // required
	Place  Place            // required
	// Keys seal the contents. nil writes them plain.
	Keys *seal.Keys
	// Waiting is called once if another push is under way. nil means no call.
	Waiting func()
}

// Result has the effects of a push.
type Result struct {
	Changed bool // the place had another bundle before
	Written int  // contents that were not there
	// Uncollected says why unused contents are still there until the next push. nil means that they
	// are removed.
	Uncollected error
}

// Push replaces the bundle of the place. After an error the place has the bundle from before. The
// exception is a request for the head without an answer: then only etcd knows the result.
func (p *Pusher) Push(ctx context.Context, a *bundle.Artifact, entries []bundle.Entry) (r Result, err error) {
	if err := CheckEntries(entries); err != nil {
		return r, err
	}
	session, err := p.session(ctx)
	if err != nil {
		return r, err
	}
	defer func() { _ = session.Close() }() // the lease ends by itself, too
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lock := concurrency.NewMutex(session, p.Place.lock())
	if err := p.acquire(ctx, lock); err != nil {
		return r, err
	}
	w := &writer{Pusher: p, artifact: a, owner: lock.IsOwner()}
	r, err = w.write(ctx, entries)
	unlock, done := context.WithTimeout(context.WithoutCancel(ctx), unlockTime)
	defer done()
	_ = lock.Unlock(unlock) // the end of the session ends the lock, too
	return r, err
}

// session begins a lease. The first request tells whether etcd is there.
func (p *Pusher) session(ctx context.Context) (*concurrency.Session, error) {
	limited, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	lease, err := p.Client.Grant(limited, lockTTL)
	if err != nil {
		return nil, err
	}
	return concurrency.NewSession(p.Client, concurrency.WithLease(lease.ID), concurrency.WithContext(ctx))
}

func (p *Pusher) acquire(ctx context.Context, lock *concurrency.Mutex) error {
	limited, cancel := context.WithTimeout(ctx, requestLimit)
	err := lock.TryLock(limited)
	cancel()
	if !errors.Is(err, concurrency.ErrLocked) {
		return err
	}
	if p.Waiting != nil {
		p.Waiting()
	}
	limited, cancel = context.WithTimeout(ctx, lockWait)
	defer cancel()
	for {
		// Lock waits at a revision, which etcd may compact meanwhile.
		if err = lock.Lock(limited); !errors.Is(err, rpctypes.ErrCompacted) {
			break
		}
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return errBusy
	}
	return err
}

// writer is a push under the lock.
type writer struct {
	*Pusher
	artifact *bundle.Artifact
	owner    clientv3.Cmp // of the lock
}

func (w *writer) write(ctx context.Context, entries []bundle.Entry) (r Result, err error) {
	contents := []ocispec.Descriptor{w.artifact.Root}
	for _, e := range entries {
		contents = append(contents, e.Descriptor())
	}
	pieces := piecesOf(w.Place, w.Keys, contents)
	there, err := w.list(ctx)
	if err != nil {
		return r, err
	}
	bad, err := w.unreadable(ctx, contents, pieces, there)
	if err != nil {
		return r, err
	}
	var missing []piece
	for _, one := range pieces {
		if _, again := bad[one.of.Digest]; again {
			missing = append(missing, one)
			if one.last {
				r.Written++
			}
		}
	}
	if err := w.put(ctx, missing); err != nil {
		return r, err
	}
	if r.Changed, err = w.setHead(ctx); err != nil {
		return r, err
	}
	for _, one := range pieces {
		delete(there, one.key)
	}
	r.Uncollected = w.collect(ctx, there)
	return r, nil
}

// list returns the keys of all contents.
func (w *writer) list(ctx context.Context) (map[string]struct{}, error) {
	there := map[string]struct{}{}
	from, end := w.Place.blobs(), clientv3.GetPrefixRangeEnd(w.Place.blobs())
	for {
		answer, err := w.get(ctx, from, clientv3.WithRange(end), clientv3.WithKeysOnly(), clientv3.WithLimit(listPage))
		if err != nil {
			return nil, err
		}
		for _, one := range answer.Kvs {
			there[string(one.Key)] = struct{}{}
		}
		if !answer.More || len(answer.Kvs) == 0 {
			return there, nil
		}
		from = string(answer.Kvs[len(answer.Kvs)-1].Key) + "\x00"
	}
}

func (w *writer) get(ctx context.Context, key string, options ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	return w.Client.Get(ctx, key, options...)
}

// unreadable returns the contents that are missing or damaged in etcd. It reads and verifies all
// contents, so that a push mends damage.
func (w *writer) unreadable(ctx context.Context, contents []ocispec.Descriptor, pieces []piece, there map[string]struct{}) (map[digest.Digest]struct{}, error) {
	bad := map[digest.Digest]struct{}{}
	for _, one := range pieces {
		if _, ok := there[one.key]; !ok {
			bad[one.of.Digest] = struct{}{}
		}
	}
	var complete []ocispec.Descriptor
	for _, what := range contents {
		if _, ok := bad[what.Digest]; !ok {
			complete = append(complete, what)
		}
	}
	for _, batch := range batches(piecesOf(w.Place, w.Keys, complete)) {
		if err := w.verify(ctx, batch, bad); err != nil {
			return nil, err
		}
	}
	return bad, nil
}

// verify compares the pieces in etcd with those of the artifact.
func (w *writer) verify(ctx context.Context, batch []piece, bad map[digest.Digest]struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	var ops []clientv3.Op
	for _, one := range batch {
		ops = append(ops, clientv3.OpGet(one.key))
	}
	answer, err := w.Client.Txn(ctx).Then(ops...).Commit()
	if err != nil {
		return err
	}
	for i, one := range batch {
		want, err := w.piece(ctx, one)
		if err != nil {
			return err
		}
		found := answer.Responses[i].GetResponseRange().GetKvs()
		if len(found) == 1 {
			if text, err := openPiece(w.Keys, one, found[0].Value); err == nil && bytes.Equal(text, want) && w.Keys.IsCurrent(found[0].Value) {
				continue
			}
		}
		bad[one.of.Digest] = struct{}{}
	}
	return nil
}

// piece returns the bytes of a piece.
func (w *writer) piece(ctx context.Context, one piece) ([]byte, error) {
	text, err := content.FetchAll(ctx, w.artifact, one.of) // of a module it reads a file of at most MaxModule
	if err != nil {
		return nil, err
	}
	return text[one.start:one.end], nil
}

// put writes pieces in bounded transactions.
func (w *writer) put(ctx context.Context, pieces []piece) error {
	for _, batch := range batches(pieces) {
		var ops []clientv3.Op
		for _, one := range batch {
			text, err := w.piece(ctx, one)
			if err != nil {
				return err
			}
			ops = append(ops, clientv3.OpPut(one.key, string(w.Keys.Seal(text))))
		}
		if err := w.commit(ctx, ops); err != nil {
			return err
		}
	}
	return nil
}

// setHead makes the bundle the one of the place, and says whether it was another one before.
func (w *writer) setHead(ctx context.Context) (bool, error) {
	text, err := headOf(w.artifact.Root)
	if err != nil {
		return false, err
	}
	before, err := w.get(ctx, w.Place.head())
	if err != nil {
		return false, err
	}
	if len(before.Kvs) == 1 && w.Keys.IsCurrent(before.Kvs[0].Value) {
		if was, err := w.Keys.Open(before.Kvs[0].Value); err == nil && bytes.Equal(was, text) {
			return false, nil
		}
	}
	return true, w.commit(ctx, []clientv3.Op{clientv3.OpPut(w.Place.head(), string(w.Keys.Seal(text)))})
}

// collect removes contents.
func (w *writer) collect(ctx context.Context, keys map[string]struct{}) error {
	var ops []clientv3.Op
	for key := range keys {
		if ops = append(ops, clientv3.OpDelete(key)); len(ops) == maxBatchOps {
			if err := w.commit(ctx, ops); err != nil {
				return err
			}
			ops = nil
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return w.commit(ctx, ops)
}

// commit writes in one transaction, if the push still has the lock.
func (w *writer) commit(ctx context.Context, ops []clientv3.Op) error {
	ctx, cancel := context.WithTimeout(ctx, requestLimit)
	defer cancel()
	answer, err := w.Client.Txn(ctx).If(w.owner).Then(ops...).Commit()
	if err == nil && !answer.Succeeded {
		return errLost
	}
	return err
}
