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
)

var module = []byte("\x00asm\x01\x00\x00\x00 a module")

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
			// One valid signature among several is enough.
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

// Random bytes never count as a signature.
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
