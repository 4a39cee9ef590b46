package signature_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	sigstore "github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
	"github.com/sigstore/sigstore/pkg/signature/options"
	"oras.land/oras-go/v2/content/memory"

	"github.com/wasm-xds/wasm-xds/internal/signature"
)

var module = []byte("\x00asm\x01\x00\x00\x00 a module")

// signer is a key pair of some kind.
type signer struct {
	sigstore.SignerVerifier
	key *signature.Key
}

func newSigner(t testing.TB, kind string) signer {
	t.Helper()
	var private crypto.PrivateKey
	var err error
	way := options.WithHash(crypto.SHA256)
	ways := []sigstore.LoadOption{way}
	switch kind {
	case "ECDSA":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ECDSA P-384":
		private, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		ways = []sigstore.LoadOption{options.WithHash(crypto.SHA384)}
	case "ECDSA P-521":
		private, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		ways = []sigstore.LoadOption{options.WithHash(crypto.SHA512)}
	case "Ed25519":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case "Ed25519ph":
		_, private, err = ed25519.GenerateKey(rand.Reader)
		ways = []sigstore.LoadOption{options.WithED25519ph()}
	case "RSA":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := sigstore.LoadSignerVerifierWithOpts(private, ways...)
	if err != nil {
		t.Fatal(err)
	}
	key, err := signature.ParseKey(publicPEM(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return signer{s, key}
}

func publicPEM(t testing.TB, s sigstore.SignerVerifier) []byte {
	t.Helper()
	public, err := s.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	pem, err := cryptoutils.MarshalPublicKeyToPEM(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem
}

func (s signer) sign(t testing.TB, data []byte) []byte {
	t.Helper()
	raw, err := s.SignMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// detached is a signature as cosign sign-blob writes it.
func (s signer) detached(t testing.TB, data []byte) signature.Detached {
	return signature.Detached{Name: "m.wasm.sig", Text: []byte(base64.StdEncoding.EncodeToString(s.sign(t, data)) + "\n")}
}

// blobBundle is one as cosign sign-blob --bundle writes it.
func (s signer) blobBundle(t testing.TB, data []byte) signature.Detached {
	sum := sha256.Sum256(data)
	return signature.Detached{Name: "m.wasm.sigstore.json", Text: marshal(t, map[string]any{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": "x"}},
		"messageSignature": map[string]any{
			"messageDigest": map[string]any{"algorithm": "SHA2_256", "digest": sum[:]}, "signature": s.sign(t, data),
		},
	})}
}

// statementBundle is one as cosign sign attaches it, with a predicate of a type.
func (s signer) statementBundle(t testing.TB, of digest.Digest, predicate string) []byte {
	statement := marshal(t, map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": predicate,
		"subject": []any{map[string]any{"digest": map[string]any{"sha256": of.Encoded()}}}, "predicate": map[string]any{},
	})
	envelope, err := dsse.WrapSigner(s, "application/vnd.in-toto+json").SignMessage(bytes.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	return marshal(t, map[string]any{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": "x"}},
		"dsseEnvelope":         json.RawMessage(envelope),
	})
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func verify(signatures []signature.Detached, keys ...*signature.Key) (*signature.Key, error) {
	sum := sha256.Sum256(module)
	content := signature.Content{From: bytes.NewReader(module), Size: int64(len(module))}
	return signature.VerifyDetached("m.wasm", hex.EncodeToString(sum[:]), content, signatures, keys)
}

func kinds() []string {
	return []string{"ECDSA", "ECDSA P-384", "ECDSA P-521", "Ed25519", "Ed25519ph", "RSA"}
}

func TestDetached(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			s, other := newSigner(t, kind), newSigner(t, "ECDSA")
			for _, good := range []signature.Detached{s.detached(t, module), s.blobBundle(t, module)} {
				if key, err := verify([]signature.Detached{good}, other.key, s.key); err != nil || key != s.key {
					t.Errorf("%s: %v, %v", good.Name, key, err)
				}
				wantCode(t, signature.CodeInvalid, "m.wasm", fail(verify([]signature.Detached{good}, other.key)))
			}
			otherBytes := []byte("other bytes")
			wantCode(t, signature.CodeInvalid, "other bytes", fail(verify([]signature.Detached{s.detached(t, otherBytes)}, s.key)))
			wantCode(t, signature.CodeInvalid, "it signs the sha256", fail(verify([]signature.Detached{s.blobBundle(t, otherBytes)}, s.key)))
			// One that is good among others is enough.
			if _, err := verify([]signature.Detached{other.detached(t, module), s.blobBundle(t, module)}, s.key); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDetachedThatAreNone(t *testing.T) {
	s := newSigner(t, "ECDSA")
	wantCode(t, signature.CodeMissing, "not signed", fail(verify(nil, s.key)))
	sum := digest.FromBytes(module)
	for says, text := range map[string]string{
		"not base64": "%%%", "other bytes": "AAAA", "no sigstore bundle": "{", "unknown type": "{}",
		"without a signature": `{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}`,
		"is no signature":     string(s.statementBundle(t, sum, "https://slsa.dev/provenance/v1")),
	} {
		wantCode(t, signature.CodeInvalid, says, fail(verify([]signature.Detached{{Name: "m.wasm.sig", Text: []byte(text)}}, s.key)))
	}
	wantCode(t, signature.CodeInvalid, "by another key", fail(verify([]signature.Detached{s.detached(t, module)})))
}

func fail(_ *signature.Key, err error) error { return err }

func wantCode(t *testing.T, code, says string, err error) {
	t.Helper()
	var problem *signature.Error
	if !errors.As(err, &problem) || problem.Code != code || !strings.Contains(problem.Message, says) || problem.Hint == "" {
		t.Errorf("got %+v, want %s: …%s…", err, code, says)
	}
}

// repository is an image and its signatures, in oras' own memory store.
type repository struct {
	*memory.Store
	image     ocispec.Descriptor
	referrers []ocispec.Descriptor
	broken    error // of Referrers
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

// manifest pushes an image with one layer.
func (r *repository) manifest(t testing.TB, layer ocispec.Descriptor) ocispec.Descriptor {
	return r.push(t, ocispec.MediaTypeImageManifest, marshal(t, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, Layers: []ocispec.Descriptor{layer},
	}))
}

// tagged adds a signature in cosign's older format, with a payload that names a digest.
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

func (r *repository) verify(t testing.TB, keys ...*signature.Key) (*signature.Key, error) {
	return signature.VerifyImage(t.Context(), "r/x:v1", r, []ocispec.Descriptor{r.image}, keys)
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
				if key, err := r.verify(t, s.key); err != nil || key != s.key {
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
		{"a huge bundle", signature.CodeInvalid, "more than", func(r *repository) { r.referring(t, make([]byte, 2<<20)) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRepository(t)
			tc.prepare(r)
			wantCode(t, tc.code, tc.says, fail(r.verify(t, s.key)))
		})
	}
}

// What cannot be fetched is neither signed nor unsigned.
func TestImageUnknown(t *testing.T) {
	s, r := newSigner(t, "ECDSA"), newRepository(t)
	r.broken = errors.New("the registry is down")
	if _, err := r.verify(t, s.key); !errors.Is(err, r.broken) {
		t.Errorf("got %v", err)
	}
	// One format is enough, whatever becomes of the other.
	r.tagged(t, s, r.image.Digest, nil)
	if _, err := r.verify(t, s.key); err != nil {
		t.Error(err)
	}
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := newSigner(t, "ECDSA")
	keys, err := signature.ReadKeys([]string{write("good.pub", publicPEM(t, good))})
	if err != nil || len(keys) != 1 || keys[0].Fingerprint != good.key.Fingerprint {
		t.Fatalf("%v, %v", keys, err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weakPEM, err := cryptoutils.MarshalPublicKeyToPEM(weak.Public())
	if err != nil {
		t.Fatal(err)
	}
	for says, file := range map[string]string{
		"private key":        write("cosign.key", []byte("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")),
		"no public key":      write("text", []byte("hello")),
		"not strong enough":  write("weak.pub", weakPEM),
		"no such file":       filepath.Join(dir, "missing"),
		"not a regular file": dir,
		"more than":          write("large", make([]byte, 1<<20)),
	} {
		_, err := signature.ReadKeys([]string{file})
		wantCode(t, signature.CodeKey, says, err)
	}
}

func TestChecked(t *testing.T) {
	a, b := newSigner(t, "ECDSA").key, newSigner(t, "ECDSA").key
	path := filepath.Join(t.TempDir(), "checked")
	open := func() *signature.Checked {
		c, err := signature.OpenChecked(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	checks := 0
	by := func(key *signature.Key, err error) func() (*signature.Key, error) {
		return func() (*signature.Key, error) { checks++; return key, err }
	}
	c := open()
	bad := errors.New("bad")
	if err := c.Do("x", signature.Keys{a, b}, by(nil, bad)); !errors.Is(err, bad) {
		t.Error(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := c.Do("x", signature.Keys{a, b}, by(a, nil)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for range 2 {
		if err := c.Do("x", signature.Keys{a}, by(nil, bad)); err != nil {
			t.Error(err)
		}
		if err := c.Do("x", signature.Keys{b}, by(nil, bad)); !errors.Is(err, bad) {
			t.Errorf("another key: %v", err)
		}
		if err := c.Do("y", signature.Keys{a}, by(nil, bad)); !errors.Is(err, bad) {
			t.Errorf("another digest: %v", err)
		}
		// What was written half is as if it had not been.
		if err := os.WriteFile(path, append(read(t, path), []byte(fmt.Sprintf("y %s", a.Fingerprint))...), 0o600); err != nil {
			t.Fatal(err)
		}
		c = open()
	}
	if checks != 6 {
		t.Errorf("%d checks", checks)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Whatever lies where a signature should be, nothing but a signature is one.
func FuzzDetached(f *testing.F) {
	s := newSigner(f, "Ed25519")
	f.Add([]byte("AAAA"))
	f.Add(s.blobBundle(f, []byte("other")).Text)
	f.Add(s.statementBundle(f, digest.FromBytes(module), "x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := verify([]signature.Detached{{Name: "m.wasm.sig", Text: text}}, s.key); err == nil {
			t.Errorf("%q is a signature", text)
		}
	})
}
