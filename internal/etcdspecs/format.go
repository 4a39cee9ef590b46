package etcdspecs

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/internal/bundle"
	"github.com/wasm-xds/wasm-xds/internal/seal"
)

// The limits of a bundle in etcd, beside those of every bundle. Each member of etcd has a copy of
// everything, so etcd is for small things.
const (
	MaxModule = 1 << 20  // bytes of a module
	MaxTotal  = 64 << 20 // bytes of all files together
)

// By default, etcd takes requests of 1.5 MiB and transactions of 128 operations.
const (
	pieceSize     = 512 << 10 // bytes of a content under one key, before the seal
	maxBatchBytes = 1 << 20   // of one transaction
	maxBatchOps   = 64        // of one transaction
	maxSealing    = 256       // bytes that the seal adds to a piece, at most
	maxHead       = 4 << 10   // bytes
)

// headFormat is the newest format of the head that this program knows.
const headFormat = 1

// head is the value of the head key.
type head struct {
	Format int           `json:"format"`
	Digest digest.Digest `json:"digest"` // of the manifest
	Size   int64         `json:"size"`   // of the manifest, in bytes
}

func headOf(manifest ocispec.Descriptor) ([]byte, error) {
	return json.Marshal(head{headFormat, manifest.Digest, manifest.Size})
}

// parseHead reads a head that is not sealed.
func parseHead(text []byte) (ocispec.Descriptor, error) {
	var h head
	if len(text) > maxHead {
		return ocispec.Descriptor{}, fmt.Errorf("the head has %d bytes, more than %d", len(text), maxHead)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("the head is not JSON as it should be: %w", err)
	}
	switch {
	case h.Format > headFormat:
		return ocispec.Descriptor{}, errNewer
	case h.Format < 1 || h.Digest.Validate() != nil || h.Digest.Algorithm() != digest.SHA256:
		return ocispec.Descriptor{}, errors.New("the head is not one of wasm-xds")
	}
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: h.Digest, Size: h.Size}, nil
}

// CheckEntries returns an error if a bundle does not go into etcd.
func CheckEntries(entries []bundle.Entry) error {
	var total int64
	for _, e := range entries {
		if e.MediaType == bundle.ModuleType && e.Size > MaxModule {
			return fmt.Errorf("the module %s has %d bytes, more than the %d that go into etcd", e.Title, e.Size, int64(MaxModule))
		}
		if total += e.Size; total > MaxTotal {
			return fmt.Errorf("its files have more than the %d MiB that go into etcd", MaxTotal>>20)
		}
	}
	return nil
}

// piece is the part of a content under one key.
type piece struct {
	of         ocispec.Descriptor
	key        string
	start, end int64 // within the content
	last       bool
}

func (p piece) size() int64 { return p.end - p.start }

// piecesOf returns the pieces of contents, in order, and each content once. The names of the keys
// in etcd depend on the first key of the seal, and tell nothing about a sealed content.
func piecesOf(p Place, keys *seal.Keys, contents []ocispec.Descriptor) []piece {
	var all []piece
	known := map[digest.Digest]struct{}{}
	for _, what := range contents {
		if _, twice := known[what.Digest]; twice {
			continue
		}
		known[what.Digest] = struct{}{}
		name := p.blobs() + hex.EncodeToString(keys.Name([]byte(what.Digest))) + "/"
		if keys.First() == "" {
			name = p.blobs() + what.Digest.Encoded() + "/"
		}
		for start := int64(0); ; start += pieceSize {
			end := min(start+pieceSize, what.Size)
			all = append(all, piece{what, name + strconv.FormatInt(start/pieceSize, 10), start, end, end == what.Size})
			if end == what.Size {
				break
			}
		}
	}
	return all
}

// batches divides pieces into transactions, in order.
func batches(pieces []piece) [][]piece {
	var all [][]piece
	var size int64
	start := 0
	for i, one := range pieces {
		if i > start && (i-start == maxBatchOps || size+one.size() > maxBatchBytes) {
			all = append(all, pieces[start:i])
			start, size = i, 0
		}
		size += one.size()
	}
	if start < len(pieces) {
		all = append(all, pieces[start:])
	}
	return all
}
