// Package signaturetest signs in the formats of cosign, with sigstore's own library.
package signaturetest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/payload"

	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

// Key is a key pair: ECDSA P-256, as cosign generates.
type Key struct {
	signature.SignerVerifier
	// File is the path of the public key.
	File string
}

// NewKey generates a key pair. The file is removed after the test.
func NewKey(t testing.TB) Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signature.LoadSignerVerifier(private, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := cryptoutils.MarshalPublicKeyToPEM(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cosign.pub")
	if err := os.WriteFile(file, pem, 0o600); err != nil {
		t.Fatal(err)
	}
	return Key{signer, file}
}

// Sign returns the output of `cosign sign-blob` for data: a signature in base64.
func (k Key) Sign(t testing.TB, data string) string {
	t.Helper()
	raw, err := k.SignMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// SignImage pushes the result of `cosign sign` for an image, an image with the tag sha256-….sig. An
// earlier signature at the tag is replaced.
func (k Key) SignImage(t testing.TB, in *registrytest.Registry, repository, image string) {
	t.Helper()
	text, err := json.Marshal(payload.SimpleContainerImage{Critical: payload.Critical{
		Identity: payload.Identity{DockerReference: in.Ref(repository)},
		Image:    payload.Image{DockerManifestDigest: image},
		Type:     payload.CosignSignatureType,
	}})
	if err != nil {
		t.Fatal(err)
	}
	layer := ocispec.Descriptor{
		MediaType: "application/vnd.dev.cosign.simplesigning.v1+json", Digest: digest.FromBytes(text), Size: int64(len(text)),
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": k.Sign(t, string(text))},
	}
	in.Push(t, repository+":"+strings.Replace(image, ":", "-", 1)+".sig", registrytest.Image{
		Config: registrytest.Blob{MediaType: ocispec.MediaTypeImageConfig, Content: []byte("{}")},
		Layers: []registrytest.Blob{{MediaType: layer.MediaType, Content: text, As: &layer}},
	})
}
