package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
)

// ExistsError lists the existing files that prevent the unpacking of a bundle.
type ExistsError struct{ Titles []string }

// Error names the first file.
func (e *ExistsError) Error() string {
	if len(e.Titles) == 1 {
		return e.Titles[0] + " is there already"
	}
	return fmt.Sprintf("%s and %d more files are there already", e.Titles[0], len(e.Titles)-1)
}

// staging is the directory for files before they move to their final places.
const staging = ".wasm-xds-pull"

// Unpack writes the files of a bundle into dir, and creates dir if necessary. Unpack writes nothing
// outside of dir, even if dir contains links. No file gets its place before all files are complete
// and verified, and specs come after the files that they name. Other files in dir stay. Without
// overwrite, Unpack fails with an [ExistsError] if an existing file differs.
func Unpack(ctx context.Context, from content.Fetcher, entries []Entry, dir string, overwrite bool) (err error) {
	if err := checkEntries(entries); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // read-only directory handle: the error does not matter
	if !overwrite {
		if err := nothingInTheWay(ctx, root, entries); err != nil {
			return err
		}
	}
	if err := root.RemoveAll(staging); err != nil { // of a killed process
		return err
	}
	defer func() { err = errors.Join(err, root.RemoveAll(staging)) }()
	for _, e := range entries {
		if err := write(ctx, from, root, e); err != nil {
			return fmt.Errorf("%s: %w", e.Title, err)
		}
	}
	ordered := slices.Clone(entries)
	slices.SortStableFunc(ordered, func(a, b Entry) int { return rank(a) - rank(b) })
	for _, e := range ordered {
		if err := root.MkdirAll(path.Dir(e.Title), 0o755); err != nil {
			return err
		}
		if err := root.Rename(path.Join(staging, e.Title), e.Title); err != nil {
			return err
		}
	}
	return nil
}

func rank(e Entry) int {
	if e.MediaType == SpecType {
		return 1
	}
	return 0
}

func nothingInTheWay(ctx context.Context, root *os.Root, entries []Entry) error {
	exists := &ExistsError{}
	for _, e := range entries {
		_, err := root.Lstat(e.Title)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !same(ctx, root, e):
			exists.Titles = append(exists.Titles, e.Title)
		}
	}
	if len(exists.Titles) > 0 {
		return exists
	}
	return nil
}

// same reports whether the existing file has the entry's content.
func same(ctx context.Context, root *os.Root, e Entry) bool {
	info, err := root.Lstat(e.Title)
	if err != nil || !info.Mode().IsRegular() || info.Size() != e.Size {
		return false
	}
	file, err := root.Open(e.Title)
	if err != nil {
		return false
	}
	defer file.Close()
	verified := content.NewVerifyReader(file, e.Descriptor())
	if _, err := io.Copy(io.Discard, verified); err != nil || ctx.Err() != nil {
		return false
	}
	return verified.Verify() == nil
}

func write(ctx context.Context, from content.Fetcher, root *os.Root, e Entry) (err error) {
	name := path.Join(staging, e.Title)
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return copyVerified(ctx, from, file, e.Descriptor())
}

func copyVerified(ctx context.Context, from content.Fetcher, to *os.File, what ocispec.Descriptor) error {
	body, err := from.Fetch(ctx, what)
	if err != nil {
		return err
	}
	defer body.Close()
	verified := content.NewVerifyReader(body, what)
	if _, err := io.Copy(to, verified); err != nil {
		return err
	}
	if err := verified.Verify(); err != nil {
		return err
	}
	return to.Sync()
}

// Place returns the path of an entry's content in a content/oci store in dir.
func Place(dir string, e Entry) string {
	return filepath.Join(dir, "blobs", e.Digest.Algorithm().String(), e.Digest.Encoded())
}
