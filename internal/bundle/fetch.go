package bundle

import (
	"context"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
)

// BrokenError says a bundle is invalid. Another fetch would not help.
type BrokenError struct{ Reason error }

// Error returns the reason's text.
func (e *BrokenError) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *BrokenError) Unwrap() error { return e.Reason }

// ReadManifest fetches, verifies and parses a bundle's manifest.
func ReadManifest(ctx context.Context, from content.Fetcher, root ocispec.Descriptor) ([]Entry, error) {
	if root.MediaType != ocispec.MediaTypeImageManifest {
		return nil, &BrokenError{fmt.Errorf("%w, but %q", ErrNotBundle, root.MediaType)}
	}
	if root.Size > MaxManifest || root.Digest.Algorithm() != digest.SHA256 {
		return nil, &BrokenError{fmt.Errorf("its manifest has %d bytes and the digest %s; at most %d bytes and a sha256 are taken",
			root.Size, root.Digest, MaxManifest)}
	}
	text, err := content.FetchAll(ctx, from, root)
	if err != nil {
		return nil, err
	}
	entries, err := Parse(text)
	if err != nil {
		return nil, &BrokenError{err}
	}
	return entries, nil
}

// Fetch copies a bundle into a store and verifies each content. The caller has already read the
// manifest. Fetch skips contents that the store has, and ignores anything else that the manifest
// refers to, like a subject. there may be nil.
func Fetch(ctx context.Context, from content.ReadOnlyStorage, into content.Storage, root ocispec.Descriptor, entries []Entry, there Skipped) error {
	layers := make([]ocispec.Descriptor, 0, len(entries))
	known := map[digest.Digest]struct{}{}
	for _, e := range entries {
		if _, twice := known[e.Digest]; twice {
			continue
		}
		known[e.Digest] = struct{}{}
		layers = append(layers, e.Descriptor())
	}
	options := oras.CopyGraphOptions{
		MaxMetadataBytes: MaxManifest,
		OnCopySkipped:    there.hook(),
		FindSuccessors: func(_ context.Context, _ content.Fetcher, of ocispec.Descriptor) ([]ocispec.Descriptor, error) {
			if of.Digest == root.Digest {
				return layers, nil
			}
			return nil, nil
		},
	}
	return cause(oras.CopyGraph(ctx, from, into, root, options))
}

// cause returns the error behind a copy error. The copy error itself names library functions.
func cause(err error) error {
	copying := &oras.CopyError{}
	if errors.As(err, &copying) {
		return copying.Err
	}
	return err
}

// Skipped receives the number of bytes of each content that the target has already.
type Skipped func(bytes int64)

func (s Skipped) hook() func(context.Context, ocispec.Descriptor) error {
	return func(_ context.Context, what ocispec.Descriptor) error {
		if s != nil {
			s(what.Size)
		}
		return nil
	}
}

// Push copies an artifact to a target and tags it there. there may be nil.
func Push(ctx context.Context, from oras.ReadOnlyTarget, into oras.Target, tag string, there Skipped) error {
	options := oras.CopyOptions{}
	options.OnCopySkipped = there.hook()
	options.MaxMetadataBytes = MaxManifest
	_, err := oras.Copy(ctx, from, tag, into, tag, options)
	return cause(err)
}
