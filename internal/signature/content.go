package signature

import (
	"bytes"
	"io"
)

// The limits of reading. Content beyond a limit is ignored.
const (
	maxSignatures = 32      // of one image in one format
	maxManifest   = 1 << 20 // bytes
	maxBlob       = 1 << 20 // of one payload or bundle, in bytes
)

// MaxDetached is the size limit of a signature file, in bytes.
const MaxDetached = maxBlob

// Content is the signed content. It may be read several times.
type Content struct {
	From io.ReaderAt
	Size int64 // bytes
}

func (c Content) reader() io.Reader { return io.NewSectionReader(c.From, 0, c.Size) }

func contentOf(text []byte) Content {
	return Content{From: bytes.NewReader(text), Size: int64(len(text))}
}
