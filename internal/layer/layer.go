// Package layer gets the Wasm module out of what it was packed into: gzip or zstd, tar,
// or a tar in either, as container images and web servers have it. What it is
// given is hostile until proven otherwise: nothing is written under a name from
// an archive, and nothing costs more than its limit.
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

// What can be wrong with an archive. The errors that wrap these end in what was
// found; errors of the reader itself are wrapped as they are.
var (
	ErrMalformed = errors.New("is no valid archive")
	ErrTooLarge  = errors.New("unpacks to more than is allowed")
	ErrNoModule  = errors.New("holds no .wasm file")
	ErrAmbiguous = errors.New("holds several .wasm files and no plugin.wasm")
	ErrPath      = errors.New("holds a path that leads out of it")
	ErrLink      = errors.New("holds a link where the module belongs")
)

// Plugin is the name that a module goes by among other files.
const Plugin = "plugin.wasm"

const (
	blockSize = 512
	// overhead is what an archive may have beside its module's limit: heads,
	// padding, and the other files that an image brings.
	overhead = 16 << 20
	// maxWindow is the memory that zstd may want: what its own tool takes at most.
	maxWindow = 128 << 20
)

// Open gives the bytes of the module in r. What r holds is told by its first
// bytes, never by a media type: a tar (the file called plugin.wasm, in whatever
// directory, or the only .wasm file), gzip or zstd around a tar or around the module, or
// the module itself, which passes through unchanged, as does all else.
//
// The reader ends when r has been read to its end, so that a reader that checks a
// digest there has its say. It fails with [ErrTooLarge] after limit bytes of
// module, and after limit and 16 MiB of anything else. Close does not close r.
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

// open tells a tar from a module.
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

// isTar says whether a block is the head of an archive's entry, of any of tar's formats.
func isTar(block []byte) bool {
	if len(block) < blockSize {
		return false
	}
	_, err := tar.NewReader(bytes.NewReader(block)).Next()
	// An extended head goes on behind this block.
	return err == nil || errors.Is(err, io.ErrUnexpectedEOF)
}

// fromTar reads an archive to its end and keeps the module aside: the one that
// is called plugin.wasm may come after others.
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

// wanted says whether an entry is a module. Nothing is ever written to where an
// archive says, but one that tries is not to be trusted with the rest.
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

// spooled is a module on disk, in a file that has no name any more.
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
		_ = s.Close() // it was only written to; nobody will read it
	}
}

// gzipReader words gzip's errors.
type gzipReader struct{ r *gzip.Reader }

func (g *gzipReader) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	return n, malformedEnd("gzip", err)
}

// zstdReader words zstd's errors.
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

// malformedEnd is malformed for all but the end itself.
func malformedEnd(format string, err error) error {
	if err == io.EOF { //nolint:errorlint // see malformed
		return err
	}
	return malformed(format, err)
}

// malformed marks the errors of a format. They wrap nothing and are compared as they
// are: a connection that was cut may wrap the same errors, and is another matter.
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

// bounded fails with [ErrTooLarge] where a limit is passed.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	// One byte more than the limit tells too large from just large enough.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}
