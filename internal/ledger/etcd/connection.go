package etcd

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

const (
	// farewell bounds the end of the lease, so another replica leads at once.
	farewell = time.Second
	// pageSize is how many keys are read together: their values need up to 32 MiB.
	pageSize = 32
)

// errReadAgain marks the end of a connection that is followed by the next at once.
var errReadAgain = errors.New("the keys are read again")

// errLeaseLost is the end of a connection without a lease.
var errLeaseLost = fmt.Errorf("the lease of this replica has ended: %w", errReadAgain)

// connection is one session with etcd: a lease, a reading of all keys, and the watch of the changes
// since. Its fields belong to Run's goroutine.
type connection struct {
	l        *shared
	told     *told
	client   *clientv3.Client
	session  *concurrency.Session
	complete bool // all keys were read and told

	ended   context.CancelFunc
	workers sync.WaitGroup
	looks   chan look
	term    int64
	entered bool          // the mirror has this replica's key of the election
	deposed chan struct{} // has a value once the key has gone
}

// look is the outcome of a look whether etcd answers.
type look struct {
	err      error
	revision int64
	cluster  uint64
}

// run connects, and returns when the connection has ended.
func (c *connection) run(ctx context.Context) error {
	client, err := c.l.cfg.Access.Connect(ctx)
	if err != nil {
		return err
	}
	c.client = client
	defer func() { _ = client.Close() }() // its connections end in any case
	ctx, c.ended = context.WithCancel(ctx)
	defer c.workers.Wait()
	defer c.ended()
	if err := c.open(ctx); err != nil {
		return err
	}
	defer c.sayFarewell()
	revision, err := c.readAll(ctx)
	if err != nil {
		return err
	}
	c.l.queue.newLease()
	changes := etcdclient.Watch(ctx, client, c.l.keys.all(), clientv3.WithPrefix(), clientv3.WithRev(revision+1), clientv3.WithFragment())
	c.workers.Go(func() {
		<-ctx.Done()
		for range changes { // until the watch has ended
			continue
		}
	})
	c.looks, c.deposed = make(chan look), make(chan struct{}, 1)
	w := &writer{
		maker: maker{l: c.l, lease: c.session.Lease()}, client: client, fence: c.ownKey(), lost: make(chan struct{}, 1),
	}
	c.workers.Go(func() { w.run(ctx) })
	c.workers.Go(func() { c.look(ctx) })
	c.workers.Go(func() { c.campaign(ctx) })
	c.complete = true
	c.told.reached(true, nil)
	return c.follow(ctx, changes, w)
}

// open makes the session.
func (c *connection) open(ctx context.Context) error {
	// The context of a session bounds its whole life, so a timer bounds the answer.
	within, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(answerLimit, cancel)
	session, err := concurrency.NewSession(c.client, concurrency.WithTTL(int(c.l.cfg.Life/time.Second)), concurrency.WithContext(within))
	if !timer.Stop() {
		cancel()
		if err == nil {
			err = context.DeadlineExceeded
		}
	}
	if err != nil {
		cancel()
		return err
	}
	c.session = session
	c.workers.Go(func() { <-ctx.Done(); cancel() })
	return nil
}

// sayFarewell ends the lease, so the presence and the lead of this replica end at once.
func (c *connection) sayFarewell() {
	c.session.Orphan()
	ctx, cancel := context.WithTimeout(c.client.Ctx(), farewell)
	defer cancel()
	// Without an answer, the lease ends by itself.
	_, _ = c.client.Revoke(ctx, c.session.Lease())
}

// ownKey is this replica's key of the election, as package concurrency makes it.
func (c *connection) ownKey() string {
	return fmt.Sprintf("%s/%x", c.l.keys.election(), c.session.Lease())
}

// readAll reads all keys at a revision, and tells the differences.
func (c *connection) readAll(ctx context.Context) (revision int64, err error) {
	var all []*mvccpb.KeyValue
	from, end := c.l.keys.all(), clientv3.GetPrefixRangeEnd(c.l.keys.all())
	options := []clientv3.OpOption{clientv3.WithRange(end), clientv3.WithLimit(pageSize)}
	var cluster uint64
	for {
		within, cancel := context.WithTimeout(ctx, answerLimit)
		page, err := c.client.Get(within, from, options...)
		cancel()
		if err != nil {
			return 0, err
		}
		if revision == 0 {
			revision, cluster = page.Header.Revision, page.Header.ClusterId
			options = append(options, clientv3.WithRev(revision))
		}
		all = append(all, page.Kvs...)
		if !page.More || len(page.Kvs) == 0 {
			break
		}
		from = string(page.Kvs[len(page.Kvs)-1].Key) + "\x00"
	}
	var events []ledger.Event
	c.l.queue.with(func() {
		var lost []entry
		events, lost = c.l.mirror.replace(all, revision, cluster)
		c.writeAgain(lost)
	})
	for _, e := range events {
		c.told.tell(e)
	}
	return revision, nil
}

// writeAgain queues the refusals and the notes that an etcd has lost by the restore of a backup: no
// Envoy may get the refused bytes again.
func (c *connection) writeAgain(lost []entry) {
	if len(lost) == 0 {
		return
	}
	c.l.log.Error("etcd was restored from an older state: refusals, and the Envoys that may hold refused bytes, are written again", zap.Int("keys", len(lost)))
	for _, e := range lost {
		key := c.l.keys.of(e.what, e.names...)
		switch value := e.value.(type) {
		case ledger.Note:
		case ledger.Verdict:
			if value.Loads {
				continue
			}
		default:
			continue
		}
		if text, err := encode("a lost value", e.value); err == nil {
			c.l.queue.rewrites.set(key, &rewriting{key, text})
		}
	}
}

// follow tells the changes until the connection ends.
func (c *connection) follow(ctx context.Context, changes <-chan clientv3.WatchResponse, w *writer) error {
	c.checkLead(w)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.session.Done():
			return errLeaseLost
		case change, open := <-changes:
			switch {
			case !open:
				return fmt.Errorf("the watch has ended: %w", errReadAgain)
			case change.CompactRevision != 0:
				return fmt.Errorf("etcd has compacted changes that were not told yet: %w", errReadAgain)
			case change.Err() != nil:
				return change.Err()
			}
			c.take(change)
			c.checkLead(w)
		case <-c.l.answered:
			for _, e := range c.l.takeAnswers() {
				c.told.tell(e)
			}
		case <-w.lost:
			return errLeaseLost
		case one := <-c.looks:
			if err := c.takeLook(one); err != nil {
				return err
			}
		}
	}
}

// take tells the changes of a watch.
func (c *connection) take(change clientv3.WatchResponse) {
	var events []ledger.Event
	c.l.queue.with(func() {
		for _, one := range change.Events {
			events = append(events, c.l.mirror.apply(one)...)
			if c.term != 0 {
				if e := c.l.mirror.entries[string(one.Kv.Key)]; e.what == commands && one.Type == mvccpb.PUT {
					if command, is := e.value.(ledger.Command); is {
						events = append(events, ledger.CommandCame{Command: command})
					}
				}
			}
		}
		c.l.mirror.revision = max(c.l.mirror.revision, change.Header.Revision)
	})
	for _, e := range events {
		c.told.tell(e)
	}
}

// checkLead tells who leads, by the order of the keys of the election. A new leader has heard all
// that was written before its term, and then hears of the waiting commands.
func (c *connection) checkLead(w *writer) {
	_, enters := c.l.mirror.entries[c.ownKey()]
	if c.entered && !enters {
		select {
		case c.deposed <- struct{}{}:
		default:
		}
	}
	c.entered = enters
	key, name, term := c.l.mirror.head()
	if key != c.ownKey() {
		c.term = 0
		w.lead(0)
		c.told.led(0, name)
		return
	}
	if c.term == term {
		return
	}
	c.term = term
	w.lead(term)
	c.told.led(term, name)
	for _, command := range c.l.mirror.pending() {
		c.told.tell(ledger.CommandCame{Command: command})
	}
}

// campaign enters the election and waits for the lead, as long as the connection lasts. If somebody
// deletes the key of the election, campaign enters again.
func (c *connection) campaign(ctx context.Context) {
	election := concurrency.NewElection(c.session, c.l.keys.election())
	for ctx.Err() == nil {
		again := make(<-chan time.Time) // never
		if err := election.Campaign(ctx, c.l.cfg.Replica); err != nil {
			again = time.After(answerLimit / 3)
		}
		select {
		case <-ctx.Done():
		case <-c.deposed:
		case <-again:
		}
	}
}

// look asks again and again whether etcd answers. A watch is silent whether or not it does.
func (c *connection) look(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		within, cancel := context.WithTimeout(ctx, answerLimit)
		answer, err := c.client.Get(within, c.l.keys.freeze(), clientv3.WithCountOnly())
		cancel()
		one := look{err: err}
		if err == nil {
			one.revision, one.cluster = answer.Header.Revision, answer.Header.ClusterId
		}
		select {
		case c.looks <- one:
		case <-ctx.Done():
			return
		}
	}
}

// takeLook tells the outcome of a look. An older state of etcd was restored from a backup.
func (c *connection) takeLook(one look) error {
	m := c.l.mirror
	switch {
	case one.err != nil:
		c.told.reached(false, c.l.cfg.Access.Problem(one.err))
	case one.cluster != m.cluster, one.revision < m.revision:
		return fmt.Errorf("etcd has an older state, or is another one: %w", errReadAgain)
	default:
		c.told.reached(true, nil)
	}
	return nil
}
