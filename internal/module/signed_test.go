package module

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/registry"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/signaturetest"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func keyRef(k signaturetest.Key) *spec.FileRef {
	return &spec.FileRef{Path: k.File, Pos: spec.Position{File: "auth.yaml", Line: 7, Column: 3}}
}

func replaceFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSignedFile(t *testing.T) {
	own, server := signaturetest.NewKey(t), signaturetest.NewKey(t)
	path := filepath.Join(t.TempDir(), "m.wasm")
	replaceFile(t, path, goodWasm)
	m := spec.Module{File: &spec.FileRef{Path: path, Pos: modulePos}, Pos: modulePos, Verify: spec.Verify{Keys: []*spec.FileRef{keyRef(own)}}}
	r := newResolver(t)
	resolve := func() *spec.Error {
		_, err := r.Resolve(t.Context(), m)
		return err
	}
	wantError(t, resolve(), signature.CodeMissing, "m.wasm is not signed", "cosign sign-blob")
	replaceFile(t, path+".sig", server.Sign(t, goodWasm))
	wantError(t, resolve(), signature.CodeInvalid, "m.wasm has no valid signature; m.wasm.sig: it is by another key", "")
	replaceFile(t, path+".sig", own.Sign(t, goodWasm))
	if err := resolve(); err != nil {
		t.Fatal(err)
	}
	// The server's keys apply in addition to the spec's.
	r.Verify.Keys = []*spec.FileRef{{Path: server.File}}
	wantError(t, resolve(), signature.CodeInvalid, "by another key", "")
	replaceFile(t, path+".bundle", server.Sign(t, goodWasm))
	if err := resolve(); err != nil {
		t.Fatal(err)
	}
	// A known result for a digest and a key is reused. Other bytes are checked again.
	for _, suffix := range spec.SignatureSuffixes() {
		_ = os.Remove(path + suffix)
	}
	if err := resolve(); err != nil {
		t.Error(err)
	}
	replaceFile(t, own.File, "-----BEGIN PRIVATE KEY-----")
	if err := resolve(); err == nil || err.Code != signature.CodeKey || err.Pos.Line != 7 {
		t.Errorf("got %v", err)
	}
	m.Verify.Keys = nil
	replaceFile(t, path, goodWasm+"\x00\x02\x01x")
	wantError(t, resolve(), signature.CodeMissing, "is not signed", "")
}

func TestSignedURL(t *testing.T) {
	own := signaturetest.NewKey(t)
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
	m.Verify.Keys = []*spec.FileRef{keyRef(own)}
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
	set(text(own.Sign(t, goodWasm)))
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

// An image is accepted if it is signed as its spec and the server require. A signature of another
// image does not count.
func TestSignedImage(t *testing.T) {
	own, server, other := signaturetest.NewKey(t), signaturetest.NewKey(t), signaturetest.NewKey(t)
	reg, r := plain(t)
	pushed := reg.Push(t, "team/a:v1", registrytest.Artifact([]byte(goodWasm)))
	m := ociModule(t, reg.Ref("team/a:v1"))
	m.Verify.Keys = []*spec.FileRef{keyRef(own)}
	refused := func(code, says, hint string) {
		t.Helper()
		_, err := r.Resolve(t.Context(), m)
		wantError(t, err, code, says, hint)
		if !Retryable(err) {
			t.Errorf("it is not looked for again after %v", err)
		}
	}
	refused(signature.CodeMissing, reg.Ref("team/a:v1@"+pushed)+" is not signed", "cosign sign")
	other.SignImage(t, reg, "team/a", pushed)
	refused(signature.CodeInvalid, "by another key", "")
	own.SignImage(t, reg, "team/a", pushed)
	got, problem := r.Resolve(t.Context(), m)
	if problem != nil || got.Digest != pushed || got.SHA256 != sumOf([]byte(goodWasm)) {
		t.Fatalf("%+v, %v", got, problem)
	}
	// The server's key applies in addition to the spec's.
	r.Verify.Keys = []*spec.FileRef{{Path: server.File}}
	refused(signature.CodeInvalid, "by another key", "")
	server.SignImage(t, reg, "team/a", pushed)
	if _, problem := r.Resolve(t.Context(), m); problem != nil {
		t.Fatal(problem)
	}
	// A known result for a digest and a key needs no request.
	reg.Requests("")
	if _, problem := r.Resolve(t.Context(), m); problem != nil {
		t.Error(problem)
	}
	if asked := reg.Requests(".sig"); len(asked) != 0 {
		t.Errorf("it was asked again: %v", asked)
	}
	// The same module in another, unsigned image is refused.
	pushed = reg.Push(t, "team/a:v1", registrytest.Solo([]byte(goodWasm), nil))
	refused(signature.CodeMissing, pushed+" is not signed", "cosign sign")
}

// Without its registry, an image's signature is unknown.
func TestSignedImageUnknown(t *testing.T) {
	own := signaturetest.NewKey(t)
	reg, r := plain(t)
	m := ociModule(t, reg.Ref("a:v1"))
	m.OCI = m.OCI.WithDigest(reg.Push(t, "a:v1", registrytest.Artifact([]byte(goodWasm))))
	if _, problem := r.Resolve(t.Context(), m); problem != nil {
		t.Fatal(problem)
	}
	reg.Stop()
	m.Verify.Keys = []*spec.FileRef{keyRef(own)}
	_, problem := r.Resolve(t.Context(), m)
	wantError(t, problem, registry.CodeUnreachable, "the signature cannot be fetched", "")
	if !Retryable(problem) {
		t.Error("it is not looked for again")
	}
	reg.Restart(t)
	own.SignImage(t, reg, "a", m.OCI.Digest)
	if _, problem := r.Resolve(t.Context(), m); problem != nil {
		t.Error(problem)
	}
}
