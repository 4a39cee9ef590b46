package bundled

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"go.uber.org/zap"
	"oras.land/oras-go/v2/content"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Reader brings bundles to the disk and reads them. Only one goroutine uses it.
type Reader struct {
	Store *Store
	// Names returns the names of the bundle with a digest.
	Names func(digest string) bundle.Names
	// Decode parses a spec file.
	Decode bundle.Decode
	Log    *zap.Logger
	// Failed is called with the code of each failed look.
	Failed func(code string)
}

// Fetch copies the contents of a bundle into a store, and verifies each of them. It skips contents
// that the store has.
type Fetch func(ctx context.Context, into content.Storage, entries []bundle.Entry) error

// Bring copies a whole bundle to the disk. manifests has its manifest. Bring removes the contents
// on disk that neither the bundle nor st names. [Reader.Finish] takes Bring's error.
func (r *Reader) Bring(ctx context.Context, st *Selection, manifest ocispec.Descriptor, manifests content.Fetcher, fetch Fetch) error {
	r.Store.blobs.failed.Store(nil)
	entries, err := bundle.ReadManifest(ctx, manifests, manifest)
	if err != nil {
		return err
	}
	if err := r.Store.collect(keeping(manifest, entries, st.good, st.before)); err != nil {
		r.Log.Warn("old bundles cannot be removed", zap.Error(err))
	}
	return fetch(ctx, r.Store.blobs, entries)
}

// Finish reads the bundle that Bring has copied. err is the error of Bring, perhaps as the origin's
// client has worded it. An error of the own disk comes back as such.
func (r *Reader) Finish(ctx context.Context, manifest ocispec.Descriptor, err error) (*Version, error) {
	if own := r.Store.blobs.failed.Load(); err != nil && own != nil {
		return nil, *own
	}
	if err != nil {
		return nil, err
	}
	return r.read(ctx, manifest)
}

// keeping returns the names of the blobs in use.
func keeping(manifest ocispec.Descriptor, entries []bundle.Entry, versions ...*Version) map[string]struct{} {
	keep := map[string]struct{}{manifest.Digest.Encoded(): {}}
	for _, v := range versions {
		if v != nil {
			keep[digest.Digest(v.Digest).Encoded()] = struct{}{}
			entries = slices.Concat(entries, v.Entries)
		}
	}
	for _, e := range entries {
		keep[e.Digest.Encoded()] = struct{}{}
		if e.MediaType == bundle.ModuleType {
			for _, suffix := range suffixes() {
				keep[e.Digest.Encoded()+suffix] = struct{}{}
			}
		}
	}
	return keep
}

// Keep makes a version the one for the next start. An error is not the version's: only a restart
// without the origin needs the copy on disk.
func (r *Reader) Keep(v *Version) {
	manifest := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.Digest(v.Digest), Size: v.Size}
	if err := r.Store.keep(manifest, v.Entries); err != nil {
		r.Log.Warn("the bundle cannot be kept for a restart", zap.Error(err))
	}
}

// Kept returns the last good bundle on disk, or nil if no complete bundle is there. accept returns
// why the bundle is not taken; nil accepts each.
func (r *Reader) Kept(ctx context.Context, accept func(manifest ocispec.Descriptor) *spec.Error) *Version {
	manifest, err := r.Store.last()
	if err != nil || manifest == nil {
		if err != nil {
			r.Log.Warn("the bundle on disk cannot be read: it is fetched again", zap.Error(err))
		}
		return nil
	}
	if accept != nil {
		if e := accept(*manifest); e != nil {
			r.Log.Warn("the bundle on disk is not taken", zap.String("code", e.Code), zap.String("reason", e.Message))
			return nil
		}
	}
	v, err := r.read(ctx, *manifest)
	switch {
	case err != nil:
		r.Log.Warn("the bundle on disk is damaged: it is fetched again", zap.Error(err))
		return nil
	case len(v.Documents.Errors) > 0:
		r.Log.Warn("the bundle on disk is not understood", zap.Error(v.Documents.Errors[0]))
		return nil
	}
	r.Log.Info("a bundle was read from disk", zap.String("digest", v.Digest), zap.Int("specs", len(v.Documents.Specs)))
	return v
}

// read decodes the specs of a bundle on disk and verifies every byte of the bundle.
func (r *Reader) read(ctx context.Context, manifest ocispec.Descriptor) (*Version, error) {
	entries, texts, err := r.Store.verified(ctx, manifest)
	if err != nil {
		return nil, err
	}
	names := r.Names(manifest.Digest.String())
	if names.Unsigned {
		if err := r.Store.placeSignatures(entries); err != nil {
			return nil, err
		}
	}
	return &Version{
		Digest: manifest.Digest.String(), Size: manifest.Size, Entries: entries,
		Documents: bundle.Read(entries, names, texts, r.Store.place, r.Decode),
	}, nil
}

// Refused returns the finding for a bundle that is invalid: another fetch would not help.
func (r *Reader) Refused(digest string, errs []*spec.Error) Found {
	r.Failed(CodeRefused)
	r.Log.Warn("a bundle is not taken: the last good one is served on", zap.String("digest", digest),
		zap.Int("problems", len(errs)), zap.String("first", errs[0].Error()))
	return Found{Digest: digest, Errs: errs}
}

// Broken returns the finding for a bundle that is not in the form of a bundle, or false if err is
// another error.
func (r *Reader) Broken(digest string, err error) (Found, bool) {
	broken := &bundle.BrokenError{}
	if !errors.As(err, &broken) {
		return Found{}, false
	}
	return r.Refused(digest, []*spec.Error{{
		Code: CodeBroken, Message: fmt.Sprintf("this is not a bundle as it should be: %v", broken),
		Hint: "make it with wasm-xds push", Pos: spec.Position{File: r.Names(digest).Exact},
	}}), true
}

// Unfinished words an error that has no wording of its origin. at is the place of the bundle, and
// place names the kind of its origin.
func Unfinished(err error, at spec.Position, place string) *spec.Error {
	if errors.Is(err, ErrStore) {
		return &spec.Error{
			Code: CodeKeepFailed, Message: fmt.Sprintf("the bundle cannot be put on disk: %v", err),
			Hint: "look at the state directory's free space and permissions", Pos: at,
		}
	}
	return &spec.Error{
		Code: CodeIncomplete, Message: fmt.Sprintf("the bundle cannot be had as it should be: %v", err),
		Hint: "it is tried again; if it stays so, look at " + place + ", or push the bundle again", Pos: at,
	}
}
