package module

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	sigstore "github.com/sigstore/sigstore/pkg/signature"

	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// keyPair is a signer and the file with its public key.
type keyPair struct {
	sigstore.SignerVerifier
	file string
}

func newKeyPair(t *testing.T) keyPair {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := sigstore.LoadSignerVerifier(private, crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := cryptoutils.MarshalPublicKeyToPEM(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cosign.pub")
	replaceFile(t, file, string(pem))
	return keyPair{signer, file}
}

func (k keyPair) sign(t *testing.T, data string) string {
	t.Helper()
	raw, err := k.SignMessage(bytes.NewReader([]byte(data)))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

func (k keyPair) ref() *spec.FileRef {
	return &spec.FileRef{Path: k.file, Pos: spec.Position{File: "auth.yaml", Line: 7, Column: 3}}
}

func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSignedFile(t *testing.T) {
	own, server := newKeyPair(t), newKeyPair(t)
	path := filepath.Join(t.TempDir(), "m.wasm")
	replaceFile(t, path, goodWasm)
	m := spec.Module{File: &spec.FileRef{Path: path, Pos: modulePos}, Pos: modulePos, Keys: []*spec.FileRef{own.ref()}}
	r := newResolver(t)
	resolve := func() *spec.Error {
		_, err := r.Resolve(t.Context(), m)
		return err
	}
	wantError(t, resolve(), signature.CodeMissing, "m.wasm is not signed", "cosign sign-blob")
	replaceFile(t, path+".sig", server.sign(t, goodWasm))
	wantError(t, resolve(), signature.CodeInvalid, "m.wasm has no valid signature; m.wasm.sig: it is by another key", "")
	replaceFile(t, path+".sig", own.sign(t, goodWasm))
	if err := resolve(); err != nil {
		t.Fatal(err)
	}
	// The server's keys are asked for beside the spec's.
	r.Keys = []string{server.file}
	wantError(t, resolve(), signature.CodeInvalid, "by another key", "")
	replaceFile(t, path+".bundle", server.sign(t, goodWasm))
	if err := resolve(); err != nil {
		t.Fatal(err)
	}
	// What is known of a digest and a key is not asked again; other bytes are.
	for _, suffix := range spec.SignatureSuffixes() {
		_ = os.Remove(path + suffix)
	}
	if err := resolve(); err != nil {
		t.Error(err)
	}
	replaceFile(t, own.file, "-----BEGIN PRIVATE KEY-----")
	if err := resolve(); err == nil || err.Code != signature.CodeKey || err.Pos.Line != 7 {
		t.Errorf("got %v", err)
	}
	m.Keys = nil
	replaceFile(t, path, goodWasm+"\x00\x02\x01x")
	wantError(t, resolve(), signature.CodeMissing, "is not signed", "")
}

func TestSignedURL(t *testing.T) {
	own := newKeyPair(t)
	var answer atomic.Pointer[http.HandlerFunc]
	var gets atomic.Int32
	set := func(h http.HandlerFunc) { answer.Store(&h) }
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a.wasm":
			text(goodWasm)(w, r)
		case "/a.wasm.sig":
			if r.URL.RawQuery != "token=s3cret" {
				t.Errorf("the query is %q", r.URL.RawQuery)
			}
			gets.Add(1)
			(*answer.Load())(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	m := urlModule(address + "/a.wasm?token=s3cret")
	m.Keys = []*spec.FileRef{own.ref()}
	r := newResolver(t)
	resolve := func() *spec.Error {
		_, err := r.Resolve(context.Background(), m)
		return err
	}
	set(status(http.StatusNotFound))
	wantError(t, resolve(), signature.CodeMissing, "a.wasm is not signed", "")
	set(status(http.StatusBadGateway))
	err := resolve()
	wantError(t, err, CodeSignatureUnavailable, "/a.wasm.sig cannot be fetched", "again")
	if !Retryable(err) {
		t.Error("it is not looked for again")
	}
	set(text("AAAA"))
	wantError(t, resolve(), signature.CodeInvalid, "a.wasm.sig", "")
	set(text(own.sign(t, goodWasm)))
	before := gets.Load()
	for range 3 {
		if err := resolve(); err != nil {
			t.Fatal(err)
		}
	}
	if n := gets.Load() - before; n != 1 {
		t.Errorf("the signature was fetched %d times", n)
	}
}
