package signature_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content/memory"

	"github.com/wasm-xds/wasm-xds/internal/signature"
)

// repository is an image with signatures, in the memory store of oras.
type repository struct {
	*memory.Store
	image     ocispec.Descriptor
	referrers []ocispec.Descriptor
	broken    error // the error of Referrers
	bytes     int64 // that were fetched
}

func (r *repository) Fetch(ctx context.Context, at ocispec.Descriptor) (io.ReadCloser, error) {
	r.bytes += at.Size
	return r.Store.Fetch(ctx, at)
}

func newRepository(t testing.TB) *repository {
	t.Helper()
	r := &repository{Store: memory.New()}
	r.image = r.push(t, ocispec.MediaTypeImageManifest, []byte(`{"schemaVersion": 2, "the": "image"}`))
	return r
}

func (r *repository) Referrers(_ context.Context, of ocispec.Descriptor, _ string, page func([]ocispec.Descriptor) error) error {
	if r.broken != nil || of.Digest != r.image.Digest {
		return r.broken
	}
	return page(r.referrers)
}

func (r *repository) push(t testing.TB, mediaType string, data []byte) ocispec.Descriptor {
	t.Helper()
	at := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := r.Push(context.Background(), at, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	return at
}

// manifest pushes an image with a single layer.
func (r *repository) manifest(t testing.TB, layer ocispec.Descriptor) ocispec.Descriptor {
	return r.push(t, ocispec.MediaTypeImageManifest, marshal(t, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, Layers: []ocispec.Descriptor{layer},
	}))
}

// tagged adds a signature in cosign's older format, with a payload for a digest.
func (r *repository) tagged(t testing.TB, s signer, of digest.Digest, change func(text, raw []byte) ([]byte, []byte)) {
	t.Helper()
	text := marshal(t, map[string]any{"critical": map[string]any{
		"identity": map[string]any{"docker-reference": "x"}, "image": map[string]any{"docker-manifest-digest": of.String()},
		"type": "cosign container image signature",
	}})
	raw := s.sign(t, text)
	if change != nil {
		text, raw = change(text, raw)
	}
	layer := r.push(t, "application/vnd.dev.cosign.simplesigning.v1+json", text)
	layer.Annotations = map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(raw)}
	at := r.manifest(t, layer)
	if err := r.Tag(context.Background(), at, "sha256-"+r.image.Digest.Encoded()+".sig"); err != nil {
		t.Fatal(err)
	}
}

// referring adds a signature in cosign's newer format.
func (r *repository) referring(t testing.TB, bundle []byte) {
	t.Helper()
	at := r.manifest(t, r.push(t, "application/vnd.dev.sigstore.bundle.v0.3+json", bundle))
	at.ArtifactType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	r.referrers = append(r.referrers, at)
}

// verify returns the file of the image's signing key.
func (r *repository) verify(t testing.TB, keys ...*signature.Key) (string, error) {
	return keyOf(r.verifyBy(t, &signature.Policy{Keys: keys}))
}

func (r *repository) verifyBy(t testing.TB, p *signature.Policy) ([]signature.Found, error) {
	return p.VerifyImage(t.Context(), "r/x:v1", r, r.image)
}

const signType = "https://sigstore.dev/cosign/sign/v1"

func TestImage(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			s, other := newSigner(t, kind), newSigner(t, "Ed25519")
			old, fresh := newRepository(t), newRepository(t)
			old.tagged(t, s, old.image.Digest, nil)
			fresh.referring(t, other.statementBundle(t, fresh.image.Digest, signType))
			fresh.referring(t, s.statementBundle(t, fresh.image.Digest, signType))
			for name, r := range map[string]*repository{"tag": old, "referrers": fresh} {
				if key, err := r.verify(t, s.key); err != nil || key != s.key.File {
					t.Errorf("%s: %v, %v", name, key, err)
				}
				wantCode(t, signature.CodeInvalid, "another key", fail(r.verify(t, newSigner(t, kind).key)))
			}
		})
	}
}

func TestImageRefused(t *testing.T) {
	s := newSigner(t, "ECDSA")
	other := digest.FromString("another image")
	for _, tc := range []struct {
		name, code, says string
		prepare          func(r *repository)
	}{
		{"no signature", signature.CodeMissing, "not signed", func(*repository) {}},
		{"a tag that names another digest", signature.CodeInvalid, "another digest", func(r *repository) { r.tagged(t, s, other, nil) }},
		{"a payload that was changed", signature.CodeInvalid, "other bytes", func(r *repository) {
			r.tagged(t, s, other, func(text, raw []byte) ([]byte, []byte) {
				return bytes.ReplaceAll(text, []byte(other.Encoded()), []byte(r.image.Digest.Encoded())), raw
			})
		}},
		{"a payload of another type", signature.CodeInvalid, "unknown type", func(r *repository) {
			r.tagged(t, s, r.image.Digest, func(text, _ []byte) ([]byte, []byte) {
				text = bytes.ReplaceAll(text, []byte("cosign container"), []byte("some other"))
				return text, s.sign(t, text)
			})
		}},
		{"a layer without a signature", signature.CodeInvalid, "without a signature", func(r *repository) {
			r.tagged(t, s, r.image.Digest, func(text, _ []byte) ([]byte, []byte) { return text, nil })
		}},
		{"a statement on another digest", signature.CodeInvalid, "another digest", func(r *repository) { r.referring(t, s.statementBundle(t, other, signType)) }},
		{"a statement that is no signature", signature.CodeInvalid, "is no signature", func(r *repository) {
			r.referring(t, s.statementBundle(t, r.image.Digest, "https://cosign.sigstore.dev/attestation/vuln/v1"))
		}},
		{"a signature of the manifest's bytes", signature.CodeInvalid, "not an image", func(r *repository) { r.referring(t, s.blobBundle(t, []byte("x")).Text) }},
		{"a manifest that is none", signature.CodeInvalid, "its manifest is no manifest", func(r *repository) {
			at := r.push(t, "text/plain", []byte("["))
			at.ArtifactType = "application/vnd.dev.sigstore.bundle.v0.3+json"
			r.referrers = append(r.referrers, at)
		}},
		{"a huge bundle", signature.CodeInvalid, "more than", func(r *repository) { r.referring(t, make([]byte, 9<<20)) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRepository(t)
			tc.prepare(r)
			wantCode(t, tc.code, tc.says, fail(r.verify(t, s.key)))
		})
	}
}

// If the signatures cannot be fetched, the image counts as neither signed nor unsigned.
func TestImageUnknown(t *testing.T) {
	s, r := newSigner(t, "ECDSA"), newRepository(t)
	r.broken = errors.New("the registry is down")
	if _, err := r.verify(t, s.key); !errors.Is(err, r.broken) {
		t.Errorf("got %v", err)
	}
	// A signature in a single format is enough, even if the other format fails.
	r.tagged(t, s, r.image.Digest, nil)
	if _, err := r.verify(t, s.key); err != nil {
		t.Error(err)
	}
}

// The number of signatures and the fetched bytes are bounded. Signatures beyond a limit do not
// count, and are not fetched.
func TestManySignatures(t *testing.T) {
	s, other := newSigner(t, "ECDSA"), newSigner(t, "ECDSA")
	many := newRepository(t)
	for i := range 40 {
		many.referring(t, other.statementBundle(t, many.image.Digest, fmt.Sprintf("https://example.com/%d", i)))
	}
	many.referring(t, s.statementBundle(t, many.image.Digest, signType))
	found, err := (&signature.Policy{Keys: signature.Keys{s.key}}).ExamineImage(t.Context(), many, many.image)
	if err != nil || len(found) != 32 {
		t.Errorf("%d are found, %v", len(found), err)
	}
	large := newRepository(t)
	for i := range 12 {
		text := make([]byte, 7<<20)
		text[0] = byte(i)
		large.referring(t, text)
	}
	wantCode(t, signature.CodeInvalid, "no sigstore bundle", fail(large.verify(t, s.key)))
	if large.bytes > 64<<20 {
		t.Errorf("%d bytes were fetched", large.bytes)
	}
}
