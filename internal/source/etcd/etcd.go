// Package etcd watches a bundle of specs in etcd.
//
// The source reads the head of a place and watches it. It reads the contents of a new bundle at the
// revision of the head, verifies and reads the whole bundle, and only then uses its specs. A watch
// that was lost, and a compaction, lead to another look at the head. An etcd that is away, and a
// bundle with an error, change nothing: the last good bundle stays in use, and is also kept on disk
// for a restart.
//
// watch.go has the watch, and judges its answers. look.go looks at etcd, and etcd.go is the
// [Source]. Package etcdspecs has the form of a bundle in etcd, and package bundled decides which
// bundle is in use.
package etcd

import (
	"context"
	"math/rand/v2"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/source/bundled"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// retry is the time until a look after a failed one.
const retry = time.Second

// Source watches a bundle of specs in etcd. It implements [source.Source].
type Source struct {
	looker
	syncs source.Requests
	down  bool // used by Run's goroutine only: the last look failed
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Syncer = (*Source)(nil)
)

// New makes a Source, which does nothing before [Source.Run].
func New(c Config) *Source {
	if c.Refresh == 0 {
		c.Refresh = DefaultRefresh
	}
	if c.Decode == nil {
		c.Decode = spec.Decode
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Failed == nil {
		c.Failed = func(string) {}
	}
	log := c.Logger.With(zap.String("bundle", c.Place.String()))
	return &Source{
		looker: looker{
			cfg: c, log: log, reader: bundled.Reader{
				Store: bundled.NewStore(c.Dir), Decode: c.Decode, Log: log, Failed: c.Failed,
				// etcd has only the newest bundle, so errors need not name a version.
				Names: func(string) bundle.Names {
					return bundle.Names{Tag: c.Place.String(), Exact: c.Place.String(), Unsigned: true}
				},
			},
		},
		syncs: source.NewRequests(),
	}
}

// Run implements [source.Source]. It first emits the bundle on disk, if there is one, and then the
// bundles of etcd.
func (s *Source) Run(ctx context.Context, emit func(source.Set)) error {
	if err := s.reader.Store.Open(); err != nil {
		return err
	}
	r := &run{Source: s, emit: emit, st: &bundled.Selection{Root: s.cfg.Place.String()}}
	defer r.end()
	if kept := s.reader.Kept(ctx, nil); kept != nil {
		emit(*r.st.Take(bundled.Found{Version: kept}))
	}
	r.timer = time.NewTimer(0)
	for {
		var answer chan<- error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.timer.C:
			r.look(ctx)
		case a, open := <-r.watch.answers:
			switch what, event := judge(a, open); what {
			case newHead:
				r.event(ctx, event)
			case lookNow:
				r.watch.end()
				r.look(ctx)
			}
		case answer = <-s.syncs:
			r.look(ctx)
		}
		if answer != nil {
			answer <- r.answer(ctx)
		}
	}
}

// run is one call of Run.
type run struct {
	*Source
	emit  func(source.Set)
	st    *bundled.Selection
	watch watch
	seen  int64 // the newest revision of etcd that a look or an event has told
	timer *time.Timer
}

func (r *run) end() {
	r.watch.end()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.disconnect()
}

// look looks at etcd, and makes sure that a watch reports the changes after the look.
func (r *run) look(ctx context.Context) {
	found, revision := r.looker.look(ctx, r.st)
	if ctx.Err() != nil {
		return
	}
	r.apply(found)
	next := r.cfg.Refresh
	if revision == 0 {
		next = min(next, retry)
	} else {
		r.seen = revision
		if !r.watch.covers(revision) {
			r.watch.open(ctx, r.client, r.cfg.Place, revision+1)
		}
	}
	if e := r.st.Passing(); e != nil && e.Code == etcdclient.CodeDenied {
		// The next look connects with the newest password.
		r.watch.end()
		r.disconnect()
	}
	r.timer.Reset(pause.About(next, rand.Float64()))
}

// event takes the bundle of a new head.
func (r *run) event(ctx context.Context, e *clientv3.Event) {
	if e.Kv.ModRevision <= r.seen {
		return // a look has found this head already, or a newer one
	}
	found, ok := r.takeEvent(ctx, r.st, e)
	switch {
	case ctx.Err() != nil:
	case !ok:
		r.look(ctx)
	default:
		r.seen = e.Kv.ModRevision
		r.apply(found)
	}
}

// apply applies a finding, and then keeps a new bundle for a restart. Specs do not wait for the
// disk.
func (r *run) apply(f bundled.Found) {
	if set := r.st.Take(f); set != nil {
		r.report(r.st.Passing(), set.Unavailable != nil)
		r.emit(*set)
	}
	if f.Version != nil {
		r.reader.Keep(f.Version)
	}
}

// answer is the result of Sync.
func (r *run) answer(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.st.Problem()
}

// Sync implements [source.Syncer]. It asks etcd at once.
func (s *Source) Sync(ctx context.Context) error { return s.syncs.Ask(ctx) }

// report logs when etcd becomes unavailable and when it is available again. Refused bundles are
// logged where they are read. Without a good bundle, the set itself contains the problem, and the
// set's receiver logs it.
func (s *Source) report(passing *spec.Error, unavailable bool) {
	switch {
	case passing != nil && unavailable:
		s.down = true
	case passing != nil:
		s.log.Warn("the specs in etcd cannot be read: the last good ones are served on", zap.String("code", passing.Code),
			zap.String("problem", passing.Message), zap.String("hint", passing.Hint))
		s.down = true
	case s.down:
		s.log.Info("the specs in etcd can be read again")
		s.down = false
	}
}
