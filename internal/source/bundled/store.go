package bundled

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ErrStore marks the errors of the store's own files.
var ErrStore = errors.New("bundle store")

// lastFile names the manifest of the last good bundle.
const lastFile = "last.json"

// Store keeps bundles on disk, as the blobs of an OCI layout. After a crash, blobs may be missing
// or damaged, and the store notices both.
type Store struct {
	dir   string
	blobs *blobs
}

// blobs is the layout. It records errors of the own disk, to distinguish them from the registry's.
type blobs struct {
	*oci.Storage
	failed atomic.Pointer[error]
}

// Push verifies and stores a content.
func (b *blobs) Push(ctx context.Context, expected ocispec.Descriptor, r io.Reader) error {
	err := b.Storage.Push(ctx, expected, r)
	path := &fs.PathError{}
	link := &os.LinkError{}
	if errors.As(err, &path) || errors.As(err, &link) {
		err = fmt.Errorf("%w: %w", ErrStore, err)
		b.failed.Store(&err)
	}
	return err
}

// NewStore makes a store in a directory, which no other store or process may use. The store does
// nothing before [Store.Open].
func NewStore(dir string) *Store { return &Store{dir: filepath.Clean(dir)} }

// Open creates the directory for this user only, because configurations may be secret.
func (s *Store) Open() error {
	if err := os.MkdirAll(s.blobDir(), 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	if err := os.RemoveAll(filepath.Join(s.dir, "ingest")); err != nil { // unfinished files of a killed process
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	if err := atomicfile.RemoveLeftovers(s.dir); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	storage, err := oci.NewStorage(s.dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	s.blobs = &blobs{Storage: storage}
	return nil
}

func (s *Store) blobDir() string { return filepath.Join(s.dir, "blobs", "sha256") }

// place returns the path of an entry's bytes.
func (s *Store) place(e bundle.Entry) string { return bundle.Place(s.dir, e) }

// last returns the manifest of the last kept bundle, or nil.
func (s *Store) last() (*ocispec.Descriptor, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, lastFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStore, err)
	}
	manifest := &ocispec.Descriptor{}
	if err := json.Unmarshal(text, manifest); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged: %w", ErrStore, lastFile, err)
	}
	return manifest, nil
}

// keep makes a complete bundle the one for the next start. The bundle survives a crash of the
// process and the machine.
func (s *Store) keep(manifest ocispec.Descriptor, entries []bundle.Entry) error {
	names := []string{manifest.Digest.Encoded()}
	for _, e := range entries {
		names = append(names, e.Digest.Encoded())
	}
	if err := atomicfile.Sync(s.blobDir(), names); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	text, err := json.Marshal(ocispec.Descriptor{MediaType: manifest.MediaType, Digest: manifest.Digest, Size: manifest.Size})
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(filepath.Join(s.dir, lastFile), text, 0o600); err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	return nil
}

// verified reads a bundle and checks each byte. Damaged content is removed, so it can be
// fetched again.
func (s *Store) verified(ctx context.Context, manifest ocispec.Descriptor) ([]bundle.Entry, map[string][]byte, error) {
	entries, err := bundle.ReadManifest(ctx, s.blobs, manifest)
	if err != nil {
		return nil, nil, s.drop(ctx, manifest, manifest, err)
	}
	texts := map[string][]byte{}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if e.MediaType == bundle.SpecType {
			texts[e.Title], err = content.FetchAll(ctx, s.blobs, e.Descriptor())
		} else {
			err = s.check(ctx, e.Descriptor())
		}
		if err != nil {
			return nil, nil, s.drop(ctx, manifest, e.Descriptor(), fmt.Errorf("%s: %w", e.Title, err))
		}
	}
	return entries, texts, nil
}

func (s *Store) check(ctx context.Context, what ocispec.Descriptor) error {
	body, err := s.blobs.Fetch(ctx, what)
	if err != nil {
		return err
	}
	defer body.Close()
	verified := content.NewVerifyReader(body, what)
	if _, err := io.Copy(io.Discard, verified); err != nil {
		return err
	}
	return verified.Verify()
}

// drop removes a damaged content together with the manifest. A store with a manifest counts as
// complete for all contents of the manifest.
func (s *Store) drop(ctx context.Context, manifest, damaged ocispec.Descriptor, why error) error {
	for _, what := range []ocispec.Descriptor{manifest, damaged} {
		if err := s.blobs.Delete(ctx, what); err != nil && !errors.Is(err, errdef.ErrNotFound) {
			return fmt.Errorf("%w: %w", ErrStore, errors.Join(why, err))
		}
	}
	return why
}

// suffixes are those of the files with signatures beside a module.
func suffixes() []string { return append(spec.SignatureSuffixes(), spec.AttestationSuffix) }

// placeSignatures puts the signatures of modules beside the modules, as they lie in a directory.
func (s *Store) placeSignatures(entries []bundle.Entry) error {
	byTitle := make(map[string]bundle.Entry, len(entries))
	for _, e := range entries {
		byTitle[e.Title] = e
	}
	for _, e := range entries {
		if e.MediaType != bundle.ModuleType {
			continue
		}
		found := bundle.Signatures(byTitle, e)
		for _, suffix := range suffixes() {
			path := s.place(e) + suffix
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w: %w", ErrStore, err)
			}
			signature, ok := found[suffix]
			if !ok {
				continue
			}
			if err := os.Link(s.place(signature), path); err != nil {
				return fmt.Errorf("%w: %w", ErrStore, err)
			}
		}
	}
	return nil
}

// collect removes the blobs that keep does not contain.
func (s *Store) collect(keep map[string]struct{}) error {
	files, err := os.ReadDir(s.blobDir())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	var problems []error
	for _, f := range files {
		if _, ok := keep[f.Name()]; !ok {
			problems = append(problems, os.Remove(filepath.Join(s.blobDir(), f.Name())))
		}
	}
	return errors.Join(problems...)
}
