package signature_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/test/sigstoretest"
)

var module = []byte("\x00asm\x01\x00\x00\x00 a module")

// verify returns the file of the module's signing key.
func verify(signatures []signature.Detached, keys ...*signature.Key) (string, error) {
	return keyOf(verifyBy(&signature.Policy{Keys: keys}, signatures...))
}

func verifyBy(p *signature.Policy, files ...signature.Detached) ([]signature.Found, error) {
	sum := sha256.Sum256(module)
	return p.VerifyDetached("m.wasm", hex.EncodeToString(sum[:]), contentOf(module), files)
}

func contentOf(data []byte) signature.Content {
	return signature.Content{From: bytes.NewReader(data), Size: int64(len(data))}
}

func keyOf(found []signature.Found, err error) (string, error) {
	if err != nil {
		return "", err
	}
	return found[0].Key, nil
}

func kinds() []string {
	return []string{"ECDSA", "ECDSA P-384", "ECDSA P-521", "Ed25519", "Ed25519ph", "RSA"}
}

func TestDetached(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(kind, func(t *testing.T) {
			s, other := newSigner(t, kind), newSigner(t, "ECDSA")
			for _, good := range []signature.Detached{s.detached(t, module), s.blobBundle(t, module)} {
				if key, err := verify([]signature.Detached{good}, other.key, s.key); err != nil || key != s.key.File {
					t.Errorf("%s: %v, %v", good.Name, key, err)
				}
				wantCode(t, signature.CodeInvalid, "m.wasm", fail(verify([]signature.Detached{good}, other.key)))
			}
			otherBytes := []byte("other bytes")
			wantCode(t, signature.CodeInvalid, "other bytes", fail(verify([]signature.Detached{s.detached(t, otherBytes)}, s.key)))
			wantCode(t, signature.CodeInvalid, "it signs the sha256", fail(verify([]signature.Detached{s.blobBundle(t, otherBytes)}, s.key)))
			// A single valid signature among several is enough.
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
	wantCode(t, signature.CodeInvalid, "no key is trusted here", fail(verify([]signature.Detached{s.detached(t, module)})))
}

func fail[T any](_ T, err error) error { return err }

func wantCode(t *testing.T, code, says string, err error) {
	t.Helper()
	var problem *signature.Error
	if !errors.As(err, &problem) || problem.Code != code || !strings.Contains(problem.Message, says) || problem.Hint == "" {
		t.Errorf("got %+v, want %s: …%s…", err, code, says)
	}
}

// Random bytes never count as a signature.
func FuzzDetached(f *testing.F) {
	s, sigstore := newSigner(f, "Ed25519"), sigstoretest.Start(f)
	trusted := policyFor(f, sigstore.WriteRoot(f, sigstoretest.Root{}))
	trusted.Keys = signature.Keys{s.key}
	f.Add([]byte("AAAA"))
	f.Add(sigstore.SignBlob(f, sigstoretest.Who{Subject: team.Subject, Issuer: team.Issuer, Stamped: true}, []byte("other")))
	f.Add(sigstore.Attest(f, team, statementOf(f, digest.FromBytes(module), provenance)))
	f.Add([]byte(`{"base64Signature": "AAAA", "cert": "", "rekorBundle": {"Payload": {"body": "e30="}}}`))
	f.Add(s.blobBundle(f, []byte("other")).Text)
	f.Add(s.statementBundle(f, digest.FromBytes(module), "x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := verifyBy(trusted, signature.Detached{Name: "m.wasm.sig", Text: text}); err == nil {
			t.Errorf("%q is a signature", text)
		}
	})
}
