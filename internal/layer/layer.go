// Package layer extracts the Wasm module from its packing: gzip or zstd, tar, or a tar in either,
// as container images and web servers have. The input is untrusted: the package never writes to a
// path from an archive, and bounds all sizes.
package layer

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Faults of an archive. The errors that wrap them end with details. Errors of the underlying reader
// are wrapped unchanged.
var (
	ErrMalformed = errors.New("is no valid archive")
	ErrTooLarge  = errors.New("unpacks to more than is allowed")
	ErrNoModule  = errors.New("holds no .wasm file")
	ErrAmbiguous = errors.New("holds several .wasm files and no plugin.wasm")
	ErrPath      = errors.New("holds a path that leads out of it")
	ErrLink      = errors.New("holds a link where the module belongs")
)

// Plugin is the file name of the module in an archive with other files.
const Plugin = "plugin.wasm"

const (
	blockSize = 512
	// overhead is the size that an archive may have in addition to its module's limit: headers,
	// padding, and the other files of an image.
	overhead = 16 << 20
	// maxWindow is the most memory that zstd may use: the largest window of its own tool.
	maxWindow = 128 << 20
)

// Open returns the bytes of the module in r. The first bytes of r, never a media type, decide
// between these formats: a tar, gzip or zstd around a tar or a module, and a module itself. From a
// tar, Open takes the file called plugin.wasm in any directory, or the only .wasm file. Any other
// content passes through unchanged.
//
// The reader ends only after r ends, so a reader below can check a digest at its end. Reads fail
// with [ErrTooLarge] after limit bytes of module, or after limit plus 16 MiB of packed data. Close
// does not close r.
// See docs/RATIONALE.md#why-are-archives-recognised-by-their-content.
func Open(r io.Reader, limit int64) (io.ReadCloser, error) {
	packed := &bounded{r: r, left: limit + overhead}
	in := bufio.NewReaderSize(packed, 2*blockSize)
	head, _ := in.Peek(4)
	var unpacked io.Reader
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, malformed("gzip", err)
		}
		unpacked = &gzipReader{unzipped}
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		unzipped, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(uint64(limit+overhead)))
		if err != nil {
			return nil, malformed("zstd", err)
		}
		unpacked = &zstdReader{unzipped}
	default:
		return open(in, limit)
	}
	out := &bounded{r: unpacked, left: limit + overhead}
	return open(bufio.NewReaderSize(out, 2*blockSize), limit)
}

// open distinguishes a tar from a module.
func open(in *bufio.Reader, limit int64) (io.ReadCloser, error) {
	head, err := in.Peek(blockSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !isTar(head) {
		return io.NopCloser(&bounded{r: in, left: limit}), nil
	}
	module, err := fromTar(in, limit)
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	if err != nil {
		module.discard()
		return nil, err
	}
	return module, nil
}

// isTar reports whether a block is the header of an entry, in any format of tar.
func isTar(block []byte) bool {
	if len(block) < blockSize {
		return false
	}
	_, err := tar.NewReader(bytes.NewReader(block)).Next()
	// An extended header continues after this block.
	return err == nil || errors.Is(err, io.ErrUnexpectedEOF)
}

// fromTar reads the whole archive and stores the module, because plugin.wasm may come after other
// .wasm files.
func fromTar(in io.Reader, limit int64) (kept *spooled, err error) {
	archive := tar.NewReader(in)
	var name string
	several := false
	for {
		head, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF) && kept == nil:
			return nil, ErrNoModule
		case errors.Is(err, io.EOF) && several && path.Base(name) != Plugin:
			return kept, ErrAmbiguous
		case errors.Is(err, io.EOF):
			return kept, kept.rewind()
		case err != nil:
			return kept, malformed("tar", err)
		}
		take, err := wanted(head)
		if err != nil {
			return kept, err
		}
		switch {
		case !take:
			continue
		case kept != nil && path.Base(head.Name) != Plugin:
			several = true
			continue
		case kept != nil && path.Base(name) == Plugin:
			return kept, fmt.Errorf("%w: %s is there twice", ErrAmbiguous, Plugin)
		}
		several = several || kept != nil
		kept.discard()
		name = head.Name
		if kept, err = spool(archive, limit); err != nil {
			return kept, malformed("tar", err)
		}
	}
}

// wanted reports whether an entry is a module. Nothing is ever written to a path from an archive,
// but an archive with a path that leads outside is refused completely.
func wanted(head *tar.Header) (bool, error) {
	name := path.Clean(strings.TrimSuffix(head.Name, "/"))
	if name != "." && !filepath.IsLocal(name) || strings.ContainsAny(head.Name, "\\\x00") {
		return false, fmt.Errorf("%w: %.100q", ErrPath, head.Name)
	}
	base := path.Base(name)
	if !strings.HasSuffix(base, ".wasm") || strings.HasPrefix(base, ".wh.") {
		return false, nil
	}
	switch head.Typeflag {
	case tar.TypeReg:
		return true, nil
	case tar.TypeDir:
		return false, nil
	default:
		return false, fmt.Errorf("%w: %.100q", ErrLink, head.Name)
	}
}

// spooled is a module in an unlinked temporary file.
type spooled struct{ *os.File }

func spool(r io.Reader, limit int64) (*spooled, error) {
	file, err := os.CreateTemp("", "wasm-xds-layer-*")
	if err != nil {
		return nil, err
	}
	kept := &spooled{file}
	if err := os.Remove(file.Name()); err != nil {
		return kept, err
	}
	_, err = io.Copy(file, &bounded{r: r, left: limit})
	return kept, err
}

func (s *spooled) rewind() error {
	_, err := s.Seek(0, io.SeekStart)
	return err
}

func (s *spooled) discard() {
	if s != nil {
		_ = s.Close() // nobody reads this file any more
	}
}

// gzipReader turns gzip's errors into the errors of this package.
type gzipReader struct{ r *gzip.Reader }

func (g *gzipReader) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	return n, malformedEnd("gzip", err)
}

// zstdReader turns zstd's errors into the errors of this package.
type zstdReader struct{ r *zstd.Decoder }

func (z *zstdReader) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		err = ErrTooLarge
	case errors.Is(err, zstd.ErrCRCMismatch), errors.Is(err, zstd.ErrMagicMismatch), errors.Is(err, zstd.ErrReservedBlockType),
		errors.Is(err, zstd.ErrBlockTooSmall), errors.Is(err, zstd.ErrFrameSizeExceeded), errors.Is(err, zstd.ErrFrameSizeMismatch):
		err = fmt.Errorf("%w: zstd: %w", ErrMalformed, err)
	default:
		err = malformedEnd("zstd", err)
	}
	return n, err
}

// malformedEnd is like malformed, but returns io.EOF unchanged.
func malformedEnd(format string, err error) error {
	if err == io.EOF { //nolint:errorlint // see malformed
		return err
	}
	return malformed(format, err)
}

// malformed marks the errors of a format. It compares errors with == and not with errors.Is,
// because the error of a broken connection may wrap the same errors.
func malformed(format string, err error) error {
	_, corrupt := err.(flate.CorruptInputError) //nolint:errorlint // see above
	for _, known := range []error{gzip.ErrHeader, gzip.ErrChecksum, tar.ErrHeader, io.ErrUnexpectedEOF, io.EOF} {
		corrupt = corrupt || err == known //nolint:errorlint // see above
	}
	if corrupt {
		return fmt.Errorf("%w: %s: %w", ErrMalformed, format, err)
	}
	return err
}

// bounded fails with [ErrTooLarge] after a limit.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	// One byte beyond the limit distinguishes "too large" from "just large enough".
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
