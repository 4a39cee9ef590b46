package etcd_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/ledger/etcd"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// replica is a ledger that runs, with everything that it has told.
type replica struct {
	*etcd.Ledger
	t    *testing.T
	name string
	end  func() // ends the ledger and waits for it

	mu     sync.Mutex
	events []ledger.Event
	news   chan struct{} // has a value after an event
}

// start runs a ledger on an etcd until the test ends.
func start(t *testing.T, name string, config etcdclient.Config) *replica {
	t.Helper()
	log := zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel)).Named(name)
	access, err := etcdclient.Open(config, log)
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{
		Ledger: etcd.New(etcd.Config{Access: access, Replica: name, Life: 2 * time.Second, Logger: log}),
		t:      t, name: name, news: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.Run(ctx, r.tell) // it ends with ctx alone
	}()
	r.end = func() { cancel(); <-done }
	t.Cleanup(r.end)
	return r
}

func at(endpoints ...string) etcdclient.Config { return etcdclient.Config{Endpoints: endpoints} }

func (r *replica) tell(e ledger.Event) {
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// told are the events so far.
func (r *replica) told() []ledger.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// mark is the number of events so far, for awaitFrom.
func (r *replica) mark() int { return len(r.told()) }

// await waits until an event of the type passes the check, and returns it.
func await[E ledger.Event](r *replica, what string, is func(E) bool) E {
	r.t.Helper()
	return awaitFrom(r, 0, what, is)
}

// awaitFrom is await for the events after a mark.
func awaitFrom[E ledger.Event](r *replica, mark int, what string, is func(E) bool) E {
	r.t.Helper()
	limit := time.NewTimer(harness.Deadline)
	defer limit.Stop()
	for {
		for _, e := range r.told()[mark:] {
			if one, ok := e.(E); ok && is(one) {
				return one
			}
		}
		select {
		case <-r.news:
		case <-limit.C:
			r.t.Fatalf("%s: no event: %s; told: %+v", r.name, what, r.told()[mark:])
		}
	}
}

func (r *replica) awaitReached(mark int, ok bool) {
	r.t.Helper()
	awaitFrom(r, mark, "the ledger is reached", func(e ledger.Reached) bool { return e.OK == ok })
}

// leads waits until the replica leads, and returns its term.
func (r *replica) leads(mark int) int64 {
	r.t.Helper()
	return awaitFrom(r, mark, "it leads", func(e ledger.Led) bool { return e.Term != 0 }).Term
}

// knows waits for a record with a stable revision.
func (r *replica) knows(mark int, filter, stable string) ledger.RecordChanged {
	r.t.Helper()
	return awaitFrom(r, mark, "the record of "+filter, func(e ledger.RecordChanged) bool {
		return e.Record.Filter == filter && !e.Gone && e.Record.Stable == stable
	})
}

// revision is a content for a filter.
func revision(filter, config string) *snapshot.Revision {
	s := &spec.Spec{Name: filter, Type: spec.HTTP, Policy: spec.Closed, VM: spec.VM{Runtime: "envoy.wasm.runtime.v8"}}
	return snapshot.FromSpec(s, snapshot.Module{SHA256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", Size: 5}, &config)
}

// proposal is a record whose stable revision is r.
func proposal(term, mod int64, r *snapshot.Revision) ledger.Proposal {
	return ledger.Proposal{
		Record:   ledger.Record{Format: ledger.Format, Filter: r.Filter, Wanted: r.ID, Stable: r.ID, Term: term, Mod: mod},
		Contents: []*snapshot.Revision{r},
	}
}
