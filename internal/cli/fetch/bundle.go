package fetch

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

// Bundle is a bundle in a registry. Root is the digest that Ref leads to.
type Bundle struct {
	Client  *registry.Client
	Ref     spec.Reference
	Root    ocispec.Descriptor
	Entries []bundle.Entry // filled by ReadManifest
}

// ReadManifest fills the entries. The error is [bundle.ErrNotBundle] for another kind of artifact.
func (b *Bundle) ReadManifest(ctx context.Context) error {
	return b.Client.With(ctx, b.Ref, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		var err error
		b.Entries, err = bundle.ReadManifest(ctx, from, b.Root)
		return err
	})
}

func (b *Bundle) size() int64 {
	var size int64
	for _, e := range b.Entries {
		size += e.Size
	}
	return size
}

// Fetch fetches the whole bundle into a directory, verified.
func (b *Bundle) Fetch(ctx context.Context, into string, stderr io.Writer) (*oci.Storage, error) {
	storage, err := oci.NewStorage(into)
	if err != nil {
		return nil, err
	}
	t := NewTransfer(ctx, stderr, "pull "+b.Ref.String(), b.size())
	err = b.Client.With(ctx, b.Ref, registry.Credentials{}, func(ctx context.Context, from *remote.Repository) error {
		return bundle.Fetch(ctx, t.storage(from), storage, b.Root, b.Entries, t.Skip)
	})
	t.End(err)
	return storage, Worded(err)
}
