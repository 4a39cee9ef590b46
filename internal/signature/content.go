package signature

import (
	"bytes"
	"io"
)

// The limits of reading, in bytes where no other unit is named. Content beyond a limit is ignored.
const (
	maxSignatures = 32       // of an image in each format, and of a file
	maxManifest   = 1 << 20  // of signatures
	maxBlob       = 8 << 20  // of one payload, bundle or attestation, which may hold an SBOM
	maxFetched    = 64 << 20 // of all signatures and attestations of an image
)

// MaxDetached is the size limit of a file with signatures or attestations, in bytes.
const MaxDetached = maxBlob

// Content is the signed content. Several reads are possible.
type Content struct {
	From io.ReaderAt
	Size int64 // bytes
}

func (c Content) reader() io.Reader { return io.NewSectionReader(c.From, 0, c.Size) }

func contentOf(text []byte) Content {
	return Content{From: bytes.NewReader(text), Size: int64(len(text))}
}

// subject is the content for a signature to sign.
type subject struct {
	digest  string   // sha256 in hex
	content *Content // nil: only statements that name the digest are accepted
}
