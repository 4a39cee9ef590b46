// Package oci watches a bundle of specs in a registry.
//
// The source asks the registry regularly for the digest of the tag. It fetches a bundle with a new
// digest, verifies and reads the whole bundle, and only then uses its specs. A faulty registry or
// bundle changes nothing: the last good bundle stays in use. The last good bundle is also kept on
// disk for a restart.
package oci

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// DefaultRefresh is the default of [Config.Refresh].
const DefaultRefresh = 30 * time.Second

// pullLimit bounds the time to fetch one bundle. The next attempt continues with the contents that
// have arrived.
const pullLimit = 30 * time.Minute

// Config configures a Source.
type Config struct {
	Reference spec.Reference   // required
	Client    *registry.Client // required
	// Dir is the directory for the last good bundle, created if necessary. Required. No other
	// source or process may use the directory.
	Dir string
	// Refresh is the time between two looks at the tag, plus or minus a tenth. It is longer when
	// the registry asks for a longer pause. 0 means [DefaultRefresh].
	Refresh time.Duration
	// Verify checks a bundle when only its manifest is known. The source calls Verify once per
	// digest, and again after an error that may pass. nil means no check.
	Verify func(ctx context.Context, manifest ocispec.Descriptor) *spec.Error
	// Logger receives events that are not part of a set. nil logs nothing.
	Logger *zap.Logger
	// Decode parses a spec file. nil means [spec.Decode].
	Decode bundle.Decode
	// Failed is called with the code of each failed look. nil means no call.
	Failed func(code string)
}

// Source watches a bundle of specs. It implements [source.Source].
type Source struct {
	cfg   Config
	log   *zap.Logger
	store *store
	syncs chan chan<- error // requests of Sync; each is the channel for the answer
	down  bool              // used by Run's goroutine only: the last look failed
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
	return &Source{
		cfg: c, log: c.Logger.With(zap.String("bundle", c.Reference.String())), store: newStore(filepath.Clean(c.Dir)),
		syncs: make(chan chan<- error),
	}
}

// Root returns the prefix of the File of each spec in a bundle, without the slash that follows. The
// prefix is the same for all versions of the bundle.
func Root(ref spec.Reference) string { return "oci://" + ref.String() }

// Run implements [source.Source]. It first emits the bundle on disk, if there is one, and then the
// bundles of the registry.
func (s *Source) Run(ctx context.Context, emit func(source.Set)) error {
	if err := s.store.open(); err != nil {
		return err
	}
	st := &state{root: Root(s.cfg.Reference)}
	if kept := s.kept(ctx); kept != nil {
		emit(*st.take(found{version: kept}))
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
				answer <- st.problem()
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
		if set := st.take(found); set != nil {
			s.report(st.passing, set.Unavailable != nil)
			emit(*set)
		}
		if answer != nil {
			answer <- st.problem()
		}
		leftAlone = time.Now().Add(found.after)
		timer.Reset(pause(s.cfg.Refresh, found.after, rand.Float64()))
	}
}

// Sync implements [source.Syncer]. It asks the registry at once. If the registry has asked for a
// pause, Sync returns the result of the last look instead.
func (s *Source) Sync(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case s.syncs <- answer:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

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

// pause returns the time until the next look: refresh plus or minus a tenth, so that many servers
// do not ask at the same time, and at least the pause that the registry asks for.
func pause(refresh, atLeast time.Duration, random float64) time.Duration {
	const share = 10
	return max(refresh-refresh/share+time.Duration(random*float64(2*refresh/share)), atLeast)
}

// kept returns the last good bundle, or nil if no complete bundle is on disk.
func (s *Source) kept(ctx context.Context) *version {
	manifest, err := s.store.last()
	if err != nil || manifest == nil {
		if err != nil {
			s.log.Warn("the bundle on disk cannot be read: it is fetched again", zap.Error(err))
		}
		return nil
	}
	if s.cfg.Reference.Digest != "" && s.cfg.Reference.Digest != manifest.Digest.String() {
		return nil
	}
	if s.cfg.Verify != nil {
		if e := s.cfg.Verify(ctx, *manifest); e != nil {
			s.log.Warn("the bundle on disk is not taken", zap.String("code", e.Code), zap.String("reason", e.Message))
			return nil
		}
	}
	v, err := s.read(ctx, *manifest)
	switch {
	case err != nil:
		s.log.Warn("the bundle on disk is damaged: it is fetched again", zap.Error(err))
		return nil
	case len(v.documents.Errors) > 0:
		s.log.Warn("the bundle on disk is not understood", zap.Error(v.documents.Errors[0]))
		return nil
	}
	s.log.Info("a bundle was read from disk", zap.String("digest", v.digest), zap.Int("specs", len(v.documents.Specs)))
	return v
}

// read decodes the specs of a bundle on disk and verifies every byte of the bundle.
func (s *Source) read(ctx context.Context, manifest ocispec.Descriptor) (*version, error) {
	entries, texts, err := s.store.verified(ctx, manifest)
	if err != nil {
		return nil, err
	}
	names := bundle.Names{Tag: Root(s.cfg.Reference), Exact: exact(s.cfg.Reference, manifest.Digest.String())}
	return &version{
		digest: manifest.Digest.String(), entries: entries,
		documents: bundle.Read(entries, names, texts, s.store.place, s.cfg.Decode),
	}, nil
}

func exact(ref spec.Reference, digest string) string {
	return "oci://" + spec.Reference{Registry: ref.Registry, Repository: ref.Repository, Digest: digest}.String()
}
