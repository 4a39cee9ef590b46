package oci

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/zap"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// pullLimit bounds the time to fetch one bundle. The next attempt continues with the contents that
// have arrived.
const pullLimit = 30 * time.Minute

// looker looks at the bundle in the registry and on disk. Only one goroutine uses it.
type looker struct {
	cfg   Config // with its defaults
	log   *zap.Logger
	store *store
}

// look asks the registry for the current digest, and fetches a new bundle.
func (l *looker) look(ctx context.Context, st *selection) found {
	if d := l.cfg.Reference.Digest; d != "" && st.knows(d) {
		return found{digest: d} // a reference by digest never changes
	}
	manifest, err := l.cfg.Client.Resolve(ctx, l.cfg.Reference, registry.Credentials{})
	if err != nil {
		return l.failed(err)
	}
	if st.knows(manifest.Digest.String()) {
		return found{digest: manifest.Digest.String()}
	}
	if l.cfg.Verify != nil {
		if e := l.cfg.Verify(ctx, manifest); e != nil {
			return l.failed(e)
		}
	}
	start := time.Now()
	v, err := l.bring(ctx, st, manifest)
	broken := &bundle.BrokenError{}
	if errors.As(err, &broken) {
		d := manifest.Digest.String()
		return l.refused(d, []*spec.Error{{
			Code: CodeBroken, Message: fmt.Sprintf("this is not a bundle as it should be: %v", broken),
			Hint: "make it with wasm-xds push", Pos: spec.Position{File: exact(l.cfg.Reference, d)},
		}})
	}
	if err != nil {
		return l.failed(err)
	}
	if errs := v.documents.Errors; len(errs) > 0 {
		return l.refused(v.digest, errs)
	}
	l.log.Info("a bundle was fetched", zap.String("digest", v.digest), zap.Int("specs", len(v.documents.Specs)),
		zap.Duration("took", time.Since(start)))
	if err := l.store.keep(manifest, v.entries); err != nil {
		// The version is valid. Only a restart without the registry needs the copy on disk.
		l.log.Warn("the bundle cannot be kept for a restart", zap.Error(err))
	}
	return found{digest: v.digest, version: v}
}

// bring makes sure that the whole bundle is on disk, and reads the bundle.
func (l *looker) bring(ctx context.Context, st *selection, manifest ocispec.Descriptor) (*version, error) {
	ctx, cancel := context.WithTimeout(ctx, pullLimit)
	defer cancel()
	l.store.blobs.failed.Store(nil)
	err := l.cfg.Client.With(ctx, l.cfg.Reference, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		entries, err := bundle.ReadManifest(ctx, from, manifest)
		if err != nil {
			return err
		}
		if err := l.store.collect(keeping(manifest, entries, st.good, st.before)); err != nil {
			l.log.Warn("old bundles cannot be removed", zap.Error(err))
		}
		return bundle.Fetch(ctx, from, l.store.blobs, manifest, entries, nil)
	})
	if own := l.store.blobs.failed.Load(); err != nil && own != nil {
		return nil, *own
	}
	if err != nil {
		return nil, err
	}
	return l.read(ctx, manifest)
}

// keeping returns the names of the blobs in use.
func keeping(manifest ocispec.Descriptor, entries []bundle.Entry, versions ...*version) map[string]struct{} {
	keep := map[string]struct{}{manifest.Digest.Encoded(): {}}
	for _, v := range versions {
		if v != nil {
			keep[digest.Digest(v.digest).Encoded()] = struct{}{}
			entries = slices.Concat(entries, v.entries)
		}
	}
	for _, e := range entries {
		keep[e.Digest.Encoded()] = struct{}{}
	}
	return keep
}

// refused returns the finding for a bundle that is invalid: another fetch would not help.
func (l *looker) refused(digest string, errs []*spec.Error) found {
	l.cfg.Failed(CodeRefused)
	l.log.Warn("a bundle is not taken: the last good one is served on", zap.String("digest", digest),
		zap.Int("problems", len(errs)), zap.String("first", errs[0].Error()))
	return found{digest: digest, errs: errs}
}

// failed returns the finding for a look without an answer.
func (l *looker) failed(err error) found {
	at := spec.Position{File: Root(l.cfg.Reference)}
	var f found
	var (
		worded     *spec.Error
		ofRegistry *registry.Error
	)
	switch {
	case errors.As(err, &worded):
		f.errs = []*spec.Error{worded}
	case errors.As(err, &ofRegistry):
		problem := ofRegistry.Problem(at)
		if f.after = ofRegistry.RetryAfter; f.after > 0 {
			// With a countdown in the message, each look would report another error.
			problem.Message = ofRegistry.What + ": the registry is asked too often, and left alone for as long as it wants"
		}
		f.errs = []*spec.Error{problem}
	case errors.Is(err, errStore):
		f.errs = []*spec.Error{{
			Code: CodeKeepFailed, Message: fmt.Sprintf("the bundle cannot be put on disk: %v", err),
			Hint: "look at the state directory's free space and permissions", Pos: at,
		}}
	default:
		f.errs = []*spec.Error{{
			Code: CodeIncomplete, Message: fmt.Sprintf("the bundle cannot be had as it should be: %v", err),
			Hint: "it is tried again; if it stays so, look at the registry and what lies before it, or push the bundle again", Pos: at,
		}}
	}
	l.cfg.Failed(f.errs[0].Code)
	return f
}

// kept returns the last good bundle, or nil if no complete bundle is on disk.
func (l *looker) kept(ctx context.Context) *version {
	manifest, err := l.store.last()
	if err != nil || manifest == nil {
		if err != nil {
			l.log.Warn("the bundle on disk cannot be read: it is fetched again", zap.Error(err))
		}
		return nil
	}
	if l.cfg.Reference.Digest != "" && l.cfg.Reference.Digest != manifest.Digest.String() {
		return nil
	}
	if l.cfg.Verify != nil {
		if e := l.cfg.Verify(ctx, *manifest); e != nil {
			l.log.Warn("the bundle on disk is not taken", zap.String("code", e.Code), zap.String("reason", e.Message))
			return nil
		}
	}
	v, err := l.read(ctx, *manifest)
	switch {
	case err != nil:
		l.log.Warn("the bundle on disk is damaged: it is fetched again", zap.Error(err))
		return nil
	case len(v.documents.Errors) > 0:
		l.log.Warn("the bundle on disk is not understood", zap.Error(v.documents.Errors[0]))
		return nil
	}
	l.log.Info("a bundle was read from disk", zap.String("digest", v.digest), zap.Int("specs", len(v.documents.Specs)))
	return v
}

// read decodes the specs of a bundle on disk and verifies every byte of the bundle.
func (l *looker) read(ctx context.Context, manifest ocispec.Descriptor) (*version, error) {
	entries, texts, err := l.store.verified(ctx, manifest)
	if err != nil {
		return nil, err
	}
	names := bundle.Names{Tag: Root(l.cfg.Reference), Exact: exact(l.cfg.Reference, manifest.Digest.String())}
	return &version{
		digest: manifest.Digest.String(), entries: entries,
		documents: bundle.Read(entries, names, texts, l.store.place, l.cfg.Decode),
	}, nil
}
