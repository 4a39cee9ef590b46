package cli

import (
	"context"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry/remote"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// bundleIn is a bundle in a registry.
type bundleIn struct {
	client  *registry.Client
	ref     spec.Reference
	root    ocispec.Descriptor
	entries []bundle.Entry
}

func (b *bundleIn) readManifest(ctx context.Context) error {
	return b.client.With(ctx, b.ref, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		var err error
		b.entries, err = bundle.ReadManifest(ctx, from, b.root)
		return err
	})
}

func (b *bundleIn) size() int64 {
	var size int64
	for _, e := range b.entries {
		size += e.Size
	}
	return size
}

// fetch fetches the whole bundle into a directory, verified.
func (b *bundleIn) fetch(ctx context.Context, into string, stderr io.Writer) (*oci.Storage, error) {
	storage, err := oci.NewStorage(into)
	if err != nil {
		return nil, err
	}
	t := newTransfer(ctx, stderr, "pull "+b.ref.String(), b.size())
	err = b.client.With(ctx, b.ref, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		return bundle.Fetch(ctx, meteredStorage{from, t}, storage, b.root, b.entries, t.skip)
	})
	t.end(err)
	return storage, worded(err)
}
