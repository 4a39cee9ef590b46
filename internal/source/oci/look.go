package oci

import (
	"context"
	"errors"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/zap"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/source/bundled"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pullLimit bounds the time to fetch one bundle. The next attempt continues with the contents that
// have arrived.
const pullLimit = 30 * time.Minute

// looker looks at the bundle in the registry and on disk. Only one goroutine uses it.
type looker struct {
	cfg    Config // with its defaults
	log    *zap.Logger
	reader bundled.Reader
}

// look asks the registry for the current digest, and fetches a new bundle.
func (l *looker) look(ctx context.Context, st *bundled.Selection) bundled.Found {
	if d := l.cfg.Reference.Digest; d != "" && st.Knows(d) {
		return bundled.Found{Digest: d} // a reference by digest never changes
	}
	manifest, err := l.cfg.Client.Resolve(ctx, l.cfg.Reference, registry.Credentials{})
	if err != nil {
		return l.failed(err)
	}
	digest := manifest.Digest.String()
	if st.Knows(digest) {
		return bundled.Found{Digest: digest}
	}
	if l.cfg.Verify != nil {
		if e := l.cfg.Verify(ctx, manifest); e != nil {
			return l.failed(e)
		}
	}
	start := time.Now()
	v, err := l.bring(ctx, st, manifest)
	if found, broken := l.reader.Broken(digest, err); broken {
		return found
	}
	if err != nil {
		return l.failed(err)
	}
	if errs := v.Documents.Errors; len(errs) > 0 {
		return l.reader.Refused(v.Digest, errs)
	}
	l.log.Info("a bundle was fetched", zap.String("digest", v.Digest), zap.Int("specs", len(v.Documents.Specs)),
		zap.Duration("took", time.Since(start)))
	l.reader.Keep(v)
	return bundled.Found{Digest: v.Digest, Version: v}
}

// bring makes sure that the whole bundle is on disk, and reads the bundle.
func (l *looker) bring(ctx context.Context, st *bundled.Selection, manifest ocispec.Descriptor) (*bundled.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, pullLimit)
	defer cancel()
	err := l.cfg.Client.With(ctx, l.cfg.Reference, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		return l.reader.Bring(ctx, st, manifest, from, func(ctx context.Context, into content.Storage, entries []bundle.Entry) error {
			return bundle.Fetch(ctx, from, into, manifest, entries, nil)
		})
	})
	return l.reader.Finish(ctx, manifest, err)
}

// failed returns the finding for a look without an answer.
func (l *looker) failed(err error) bundled.Found {
	at := spec.Position{File: Root(l.cfg.Reference)}
	var f bundled.Found
	var (
		worded     *spec.Error
		ofRegistry *registry.Error
	)
	switch {
	case errors.As(err, &worded):
		f.Errs = []*spec.Error{worded}
	case errors.As(err, &ofRegistry):
		problem := ofRegistry.Problem(at)
		if f.After = ofRegistry.RetryAfter; f.After > 0 {
			// With a countdown in the message, each look would report another error.
			problem.Message = ofRegistry.What + ": the registry is asked too often, and left alone for as long as it wants"
		}
		f.Errs = []*spec.Error{problem}
	default:
		f.Errs = []*spec.Error{bundled.Unfinished(err, at, "the registry and what lies before it")}
	}
	l.cfg.Failed(f.Errs[0].Code)
	return f
}

// kept returns the last good bundle, or nil if no complete bundle is on disk.
func (l *looker) kept(ctx context.Context) *bundled.Version {
	return l.reader.Kept(ctx, func(manifest ocispec.Descriptor) *spec.Error {
		if d := l.cfg.Reference.Digest; d != "" && d != manifest.Digest.String() {
			return &spec.Error{Code: bundled.CodeBroken, Message: "it is not the bundle " + d}
		}
		if l.cfg.Verify == nil {
			return nil
		}
		return l.cfg.Verify(ctx, manifest)
	})
}
