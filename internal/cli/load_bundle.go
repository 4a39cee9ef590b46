package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/content"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// loadSources reads the specs of files, directories and bundles in registries. The files of
// bundles exist until the call of done, which is never nil.
func loadSources(ctx context.Context, paths []string, from *fetching, stderr io.Writer) (all documents, done func(), err error) {
	place, err := os.MkdirTemp("", "wasm-xds-*")
	if err != nil {
		return all, func() {}, err
	}
	done = func() { _ = os.RemoveAll(place) } // in the system's directory for temporary files
	var local []string
	for i, path := range paths {
		ref, isBundle, err := bundleReference(path)
		if err != nil {
			return all, done, err
		}
		if !isBundle {
			local = append(local, path)
			continue
		}
		client, err := from.client()
		if err != nil {
			return all, done, err
		}
		one, err := loadBundle(ctx, client, from.trust.keys, ref, filepath.Join(place, strconv.Itoa(i)), stderr)
		client.Close()
		if err != nil {
			return all, done, err
		}
		all.specs = append(all.specs, one.specs...)
		all.errors = append(all.errors, one.errors...)
	}
	files := loadPaths(ctx, local)
	all.specs = append(all.specs, files.specs...)
	all.errors = append(all.errors, files.errors...)
	all.dropDuplicates()
	all.sortErrors()
	return all, done, nil
}

// loadBundle fetches a bundle into a directory, and reads its specs. With keys, one of them must
// have signed the bundle.
func loadBundle(ctx context.Context, client *registry.Client, keys []string, ref spec.Reference, dir string, stderr io.Writer) (documents, error) {
	root, err := client.Resolve(ctx, ref, registry.Credentials{})
	if err != nil {
		return documents{}, worded(err)
	}
	if e := (&module.Resolver{Keys: keys}).CheckBundle(ctx, client, ref, root); e != nil {
		return documents{}, e
	}
	b := bundleIn{client: client, ref: ref, root: root}
	if err := b.readManifest(ctx); err != nil {
		return documents{}, worded(err)
	}
	fetched, err := b.fetch(ctx, dir, stderr)
	if err != nil {
		return documents{}, err
	}
	texts := map[string][]byte{}
	for _, e := range b.entries {
		if e.MediaType != bundle.SpecType {
			continue
		}
		if texts[e.Title], err = content.FetchAll(ctx, fetched, e.Descriptor()); err != nil {
			return documents{}, err
		}
	}
	place := func(e bundle.Entry) string { return bundle.Place(dir, e) }
	read := bundle.Read(b.entries, bundleNames(ref, root.Digest), texts, place, spec.Decode)
	return documents{read.Specs, read.Errors}, nil
}

// bundleNames names a bundle's specs by reference and digest.
func bundleNames(ref spec.Reference, sum digest.Digest) bundle.Names {
	exact := scheme + spec.Reference{Registry: ref.Registry, Repository: ref.Repository, Digest: sum.String()}.String()
	return bundle.Names{Tag: exact, Exact: exact}
}
