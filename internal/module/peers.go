package module

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Peers are other servers of the fleet, which may have a module already. They are not trusted: the
// resolver verifies the bytes. Peers must be safe for concurrent use.
type Peers interface {
	// Fetch hands the module with the sha256 to take, of one peer after another until take returns
	// nil. Without a peer that has the module, Fetch soon returns an error.
	Fetch(ctx context.Context, sha256 string, take func(io.Reader) error) error
}

// fromPeers takes a module from a peer into the store. check checks the bytes as those of the
// module's own server. false: no peer has the module.
func fromPeers(ctx context.Context, peers Peers, store *Store, sha256 string, check func(*os.File, snapshot.Module) error) (stored snapshot.Module, ok bool) {
	if peers == nil || !snapshot.IsSHA256(sha256) {
		return stored, false
	}
	ctx, cancel := context.WithTimeoutCause(ctx, tryLimit, errTryLimit)
	defer cancel()
	err := peers.Fetch(ctx, sha256, func(r io.Reader) error {
		var err error
		stored, err = store.put(ctx, r, MaxSize, func(f *os.File, found snapshot.Module) error {
			if found.SHA256 != sha256 {
				return errOtherBytes
			}
			return check(f, found)
		})
		return err
	})
	return stored, err == nil
}

// errOtherBytes is the error of a peer with other bytes than it was asked for.
var errOtherBytes = errors.New("its bytes have another sha256")

// layerSHA256 is the sha256 of the module in a layer; "": it is not known before the layer is
// unpacked.
func layerSHA256(m spec.Module, layer ocispec.Descriptor) string {
	switch {
	case m.SHA256 != "":
		return m.SHA256
	case slices.Contains(wasmLayers, layer.MediaType) && layer.Digest.Algorithm() == digest.SHA256:
		return layer.Digest.Encoded()
	default:
		return ""
	}
}
