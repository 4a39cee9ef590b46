package signature_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	sigstore "github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/dsse"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/wasm-xds/wasm-xds/internal/signature"
)

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
	key.File = kind + ".pub"
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

// detached returns a signature in the format of cosign sign-blob.
func (s signer) detached(t testing.TB, data []byte) signature.Detached {
	return signature.Detached{Name: "m.wasm.sig", Text: []byte(base64.StdEncoding.EncodeToString(s.sign(t, data)) + "\n")}
}

// blobBundle returns a bundle in the format of cosign sign-blob --bundle.
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

// statementBundle returns a bundle in the format of cosign sign, with the given predicate type.
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
