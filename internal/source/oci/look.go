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

// The codes of the errors of a look, in addition to the registry's own codes.
const (
	CodeBroken     = "bundle_broken"      // no bundle, or an invalid bundle
	CodeRefused    = "bundle_refused"     // a spec in the bundle has an error
	CodeIncomplete = "bundle_incomplete"  // bytes are missing or do not match their digest
	CodeKeepFailed = "bundle_keep_failed" // an error of this machine's disk
)

// look asks the registry for the current digest, and fetches a new bundle.
func (s *Source) look(ctx context.Context, st *state) found {
	if d := s.cfg.Reference.Digest; d != "" && st.knows(d) {
		return found{digest: d} // a reference by digest never changes
	}
	manifest, err := s.cfg.Client.Resolve(ctx, s.cfg.Reference, registry.Credentials{})
	if err != nil {
		return s.failed(err)
	}
	if st.knows(manifest.Digest.String()) {
		return found{digest: manifest.Digest.String()}
	}
	if s.cfg.Verify != nil {
		if e := s.cfg.Verify(ctx, manifest); e != nil {
			return s.failed(e)
		}
	}
	start := time.Now()
	v, err := s.bring(ctx, st, manifest)
	broken := &bundle.BrokenError{}
	if errors.As(err, &broken) {
		d := manifest.Digest.String()
		return s.refused(d, []*spec.Error{{
			Code: CodeBroken, Message: fmt.Sprintf("this is not a bundle as it should be: %v", broken),
			Hint: "make it with wasm-xds push", Pos: spec.Position{File: exact(s.cfg.Reference, d)},
		}})
	}
	if err != nil {
		return s.failed(err)
	}
	if errs := v.documents.Errors; len(errs) > 0 {
		return s.refused(v.digest, errs)
	}
	s.log.Info("a bundle was fetched", zap.String("digest", v.digest), zap.Int("specs", len(v.documents.Specs)),
		zap.Duration("took", time.Since(start)))
	if err := s.store.keep(manifest, v.entries); err != nil {
		// The version is valid. Only a restart without the registry needs the copy on disk.
		s.log.Warn("the bundle cannot be kept for a restart", zap.Error(err))
	}
	return found{digest: v.digest, version: v}
}

// bring makes sure that the whole bundle is on disk, and reads the bundle.
func (s *Source) bring(ctx context.Context, st *state, manifest ocispec.Descriptor) (*version, error) {
	ctx, cancel := context.WithTimeout(ctx, pullLimit)
	defer cancel()
	s.store.blobs.failed.Store(nil)
	err := s.cfg.Client.With(ctx, s.cfg.Reference, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		entries, err := bundle.ReadManifest(ctx, from, manifest)
		if err != nil {
			return err
		}
		if err := s.store.collect(keeping(manifest, entries, st.good, st.before)); err != nil {
			s.log.Warn("old bundles cannot be removed", zap.Error(err))
		}
		return bundle.Fetch(ctx, from, s.store.blobs, manifest, entries, nil)
	})
	if own := s.store.blobs.failed.Load(); err != nil && own != nil {
		return nil, *own
	}
	if err != nil {
		return nil, err
	}
	return s.read(ctx, manifest)
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
func (s *Source) refused(digest string, errs []*spec.Error) found {
	s.cfg.Failed(CodeRefused)
	s.log.Warn("a bundle is not taken: the last good one is served on", zap.String("digest", digest),
		zap.Int("problems", len(errs)), zap.String("first", errs[0].Error()))
	return found{digest: digest, errs: errs}
}

// failed returns the finding for a look without an answer.
func (s *Source) failed(err error) found {
	at := spec.Position{File: Root(s.cfg.Reference)}
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
	s.cfg.Failed(f.errs[0].Code)
	return f
}
