// Package oci watches a bundle of specs in a registry.
//
// A tag is asked for its digest, and a bundle with another digest is brought as a
// whole, verified and read before anything of it is taken. What is wrong with a
// registry or a bundle changes nothing: the last good one stands, also after a
// restart, for it is kept on disk.
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

// pullLimit bounds the bringing of one bundle; what was brought by then need not be
// brought again.
const pullLimit = 30 * time.Minute

// Config says what to watch and how.
type Config struct {
	Reference spec.Reference   // required
	Client    *registry.Client // required
	// Dir is where the last good bundle is kept; required, made when it is not there.
	// Nobody else may use it.
	Dir string
	// Refresh is the time between two looks at the tag, give or take a tenth, and
	// more when the registry asks for it. 0 is [DefaultRefresh].
	Refresh time.Duration
	// Verify says what is wrong with a bundle before anything but its manifest is
	// fetched; it is asked once for each digest, and again where the error may pass. Nil: nothing is.
	Verify func(ctx context.Context, manifest ocispec.Descriptor) *spec.Error
	// Logger gets what happens beside the sets. Nil logs nothing.
	Logger *zap.Logger
	// Decode reads a spec file. Nil is [spec.Decode].
	Decode bundle.Decode
	// Failed is told of each look that has failed; nil: nobody.
	Failed func(code string)
}

// Source is a bundle of specs. It implements [source.Source].
type Source struct {
	cfg   Config
	log   *zap.Logger
	store *store
	syncs chan chan<- error // requests of Sync, with the place for the answer
	down  bool              // of Run's goroutine: the last look told nothing
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Syncer = (*Source)(nil)
)

// New makes a Source; it touches nothing before [Source.Run].
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

// Root is what the File of each spec of a bundle begins with, followed by a slash: the
// same for all versions of the bundle.
func Root(ref spec.Reference) string { return "oci://" + ref.String() }

// Run implements [source.Source]. It emits the bundle that is kept on disk, if there
// is one, at once; then what the registry has.
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

// Sync implements [source.Syncer]. The registry is asked now, unless it has asked to be left
// alone: then Sync returns what the last look has found.
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

// report logs when the registry goes or comes back; refused bundles are logged where they are found.
// Without a good bundle the set says so itself, to whoever logs what sets say.
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

// pause is how long the next look waits: about refresh, so that many servers do not
// ask at once, and no less than what the registry wants.
func pause(refresh, atLeast time.Duration, random float64) time.Duration {
	const share = 10
	return max(refresh-refresh/share+time.Duration(random*float64(2*refresh/share)), atLeast)
}

// kept is the last good bundle, nil where there is none on disk, or not a whole one.
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

// read makes specs of a bundle that is on disk as a whole, and checks every byte of it.
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
