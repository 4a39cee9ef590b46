package load

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/content"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Sources reads the specs of files, directories and bundles in registries. The files of
// bundles exist until the call of done, which is never nil.
func Sources(ctx context.Context, paths []string, from *fetch.Flags, stderr io.Writer) (all Documents, done func(), err error) {
	place, err := os.MkdirTemp("", "wasm-xds-*")
	if err != nil {
		return all, func() {}, err
	}
	done = func() { _ = os.RemoveAll(place) } // in the system's directory for temporary files
	var local []string
	for i, path := range paths {
		ref, isBundle, err := fetch.BundleReference(path)
		if err != nil {
			return all, done, err
		}
		if !isBundle {
			local = append(local, path)
			continue
		}
		client, err := from.Client()
		if err != nil {
			return all, done, err
		}
		one, err := loadBundle(ctx, client, from.Trust.Verify(), ref, filepath.Join(place, strconv.Itoa(i)), stderr)
		client.Close()
		if err != nil {
			return all, done, err
		}
		all.Specs = append(all.Specs, one.Specs...)
		all.Errors = append(all.Errors, one.Errors...)
	}
	roots, err := from.Roots.Absolute()
	if err != nil {
		return all, done, err
	}
	files := Paths(ctx, local, roots)
	all.Specs = append(all.Specs, files.Specs...)
	all.Errors = append(all.Errors, files.Errors...)
	all.dropDuplicates()
	all.SortErrors()
	return all, done, nil
}

// loadBundle fetches a bundle into a directory, and reads its specs. The bundle must be signed as
// verify asks for.
func loadBundle(ctx context.Context, client *registry.Client, verify spec.Verify, ref spec.Reference, dir string, stderr io.Writer) (Documents, error) {
	root, err := client.Resolve(ctx, ref, registry.Credentials{})
	if err != nil {
		return Documents{}, fetch.Worded(err)
	}
	if e := (&module.Resolver{Verify: verify}).CheckBundle(ctx, client, ref, root); e != nil {
		return Documents{}, e
	}
	b := fetch.Bundle{Client: client, Ref: ref, Root: root}
	if err := b.ReadManifest(ctx); err != nil {
		return Documents{}, fetch.Worded(err)
	}
	fetched, err := b.Fetch(ctx, dir, stderr)
	if err != nil {
		return Documents{}, err
	}
	texts := map[string][]byte{}
	for _, e := range b.Entries {
		if e.MediaType != bundle.SpecType {
			continue
		}
		if texts[e.Title], err = content.FetchAll(ctx, fetched, e.Descriptor()); err != nil {
			return Documents{}, err
		}
	}
	place := func(e bundle.Entry) string { return bundle.Place(dir, e) }
	read := bundle.Read(b.Entries, bundleNames(ref, root.Digest), texts, place, spec.Decode)
	return Documents{read.Specs, read.Errors}, nil
}

// bundleNames names a bundle's specs by reference and digest.
func bundleNames(ref spec.Reference, sum digest.Digest) bundle.Names {
	exact := fetch.Scheme + spec.Reference{Registry: ref.Registry, Repository: ref.Repository, Digest: sum.String()}.String()
	return bundle.Names{Tag: exact, Exact: exact}
}
