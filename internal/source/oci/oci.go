// Package oci watches a bundle of specs in a registry.
//
// The source asks the registry regularly for the digest of the tag. It fetches a bundle with a new
// digest, verifies and reads the whole bundle, and only then uses its specs. A faulty registry or
// bundle changes nothing: the last good bundle stays in use. The last good bundle is also kept on
// disk for a restart.
//
// Package bundled decides which bundle is in use, and has the disk. look.go looks at the registry,
// and oci.go is the [Source].
package oci

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/source/bundled"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Source watches a bundle of specs. It implements [source.Source].
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
	log := c.Logger.With(zap.String("bundle", c.Reference.String()))
	return &Source{
		looker: looker{
			cfg: c, log: log, reader: bundled.Reader{
				Store: bundled.NewStore(c.Dir), Decode: c.Decode, Log: log, Failed: c.Failed,
				Names: func(digest string) bundle.Names {
					return bundle.Names{Tag: Root(c.Reference), Exact: exact(c.Reference, digest)}
				},
			},
		},
		syncs: source.NewRequests(),
	}
}

// Run implements [source.Source]. It first emits the bundle on disk, if there is one, and then the
// bundles of the registry.
func (s *Source) Run(ctx context.Context, emit func(source.Set)) error {
	if err := s.reader.Store.Open(); err != nil {
		return err
	}
	st := &bundled.Selection{Root: Root(s.cfg.Reference)}
	if kept := s.kept(ctx); kept != nil {
		emit(*st.Take(bundled.Found{Version: kept}))
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	var leftAlone time.Time // until then the registry asks for no requests
	for {
		var answer chan<- error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case answer = <-s.syncs:
			if time.Now().Before(leftAlone) {
				answer <- st.Problem()
				continue
			}
		}
		found := s.look(ctx, st)
		if ctx.Err() != nil {
			if answer != nil {
				answer <- ctx.Err()
			}
			return ctx.Err()
		}
		if set := st.Take(found); set != nil {
			s.report(st.Passing(), set.Unavailable != nil)
			emit(*set)
		}
		if answer != nil {
			answer <- st.Problem()
		}
		leftAlone = time.Now().Add(found.After)
		timer.Reset(untilNext(s.cfg.Refresh, found.After, rand.Float64()))
	}
}

// Sync implements [source.Syncer]. It asks the registry at once. If the registry has asked for a
// pause, Sync returns the result of the last look instead.
func (s *Source) Sync(ctx context.Context) error { return s.syncs.Ask(ctx) }

// report logs when the registry becomes unavailable and when it is available again. look logs
// refused bundles. Without a good bundle, the set itself contains the problem, and the set's
// receiver logs it.
func (s *Source) report(passing *spec.Error, unavailable bool) {
	switch {
	case passing != nil && unavailable:
		s.down = true
	case passing != nil:
		s.log.Warn("the bundle cannot be looked at: the last good one is served on", zap.String("code", passing.Code),
			zap.String("problem", passing.Message), zap.String("hint", passing.Hint))
		s.down = true
	case s.down:
		s.log.Info("the bundle can be looked at again")
		s.down = false
	}
}

// untilNext returns the time until the next look: about refresh, and at least the pause that the
// registry asks for.
func untilNext(refresh, atLeast time.Duration, random float64) time.Duration {
	return max(pause.About(refresh, random), atLeast)
}
