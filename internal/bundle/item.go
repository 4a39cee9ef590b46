package bundle

import (
	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Content is the content of a file that a spec names.
type Content struct {
	Digest digest.Digest
	Size   int64
	// Text has the bytes. If Text is nil, Place is the path of the file with the bytes.
	Text  []byte
	Place string
}

// SpecFile is a file of specs that becomes part of a bundle.
type SpecFile struct {
	Title string // the path within the directory, with slashes
	Text  []byte
	Specs []*spec.Spec // the text's documents
}

// Item is an entry and the origin of its bytes: Text, or the file at Place.
type Item struct {
	Entry
	Text  []byte
	Place string
}
