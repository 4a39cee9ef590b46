package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

// waitError waits for an error code of a filter and expects the last good module to keep serving.
func (s *scenario) waitError(name, code string, lastGood []byte) {
	s.t.Helper()
	f := s.cp.WaitFilter(name, func(f harness.FilterStatus) bool { return f.Error != nil && f.Error.Code == code })
	if f.State != harness.Active || f.Module.SHA256 != harness.SHA256(lastGood) {
		s.t.Errorf("%s is %s with the module %s", name, f.State, f.Module.SHA256)
	}
	if f.Error.Hint == "" || f.Error.Line == 0 {
		s.t.Errorf("the error does not help: %+v", f.Error)
	}
}

// A module from a file is served only after the real cosign has signed the module. Until then
// Envoy keeps the last good module.
func TestSignedFile(t *testing.T) {
	signer, other := harness.NewCosign(t), rsaCosign(t)
	v1, v2, v3 := authModule("v1"), authModule("v2"), authModule("v3")
	s := newScenario(t, "--verify-key", signer.PublicKey)
	wasm := filepath.Join(s.dir, auth+".wasm")
	s.write(auth, v1, "")
	signer.SignFile(wasm, false)
	s.cp.Start()
	all := s.eachVersion(v1, "v1")

	// The signature of v1 is not valid for v2. Neither is a signature by a different key.
	s.write(auth, v2, "")
	s.waitError(auth, "signature_invalid", v1)
	remove(t, wasm+".sig")
	s.waitError(auth, "signature_missing", v1)
	other.SignFile(wasm, true)
	s.waitError(auth, "signature_invalid", v1)
	signer.SignFile(wasm, true)
	s.cp.WaitLive(auth, v2, len(all))
	all.live("v2")

	// The spec requires a second key besides the server's key. The key's file comes later.
	key := filepath.Join(s.dir, "team.pub")
	harness.WriteFilter(t, s.dir, auth, v3, "")
	harness.WriteFile(t, filepath.Join(s.dir, auth+".yaml"), []byte("module:\n  file: ./auth.wasm\n  verify: {keys: [./team.pub]}\n"))
	s.waitError(auth, "signature_key", v2)
	harness.WriteFile(t, key, read(t, other.PublicKey))
	s.waitError(auth, "signature_invalid", v2)
	other.SignFile(wasm, true)
	s.waitError(auth, "signature_invalid", v2) // the server's key has not signed v3
	signer.SignFile(wasm, false)
	s.cp.WaitLive(auth, v3, len(all))
	all.live("v3")

	// After a restart the server still knows the signed module.
	remove(t, wasm+".sig")
	s.cp.Restart()
	s.cp.WaitLive(auth, v3, len(all))
	all.end()
}

func rsaCosign(t *testing.T) *harness.Cosign {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return harness.NewCosignFrom(t, key)
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
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

// Images signed by cosign, in either of its formats, go live. Other images leave Envoy unchanged.
func TestSignedImage(t *testing.T) {
	signer, other := harness.NewCosign(t), harness.NewCosign(t)
	for _, bundle := range []bool{false, true} {
		t.Run(fmt.Sprintf("bundle=%t", bundle), func(t *testing.T) {
			r := registrytest.Start(t, registrytest.Options{})
			s := newScenario(t, "--insecure-registry", "127.0.0.1", "--verify-key", signer.PublicKey)
			v1, v2 := authModule("v1"), authModule("v2")
			digest := r.Push(t, "team/auth:prod", registrytest.Artifact(v1))
			signer.SignImage(r.Ref("team/auth@"+digest), bundle)
			harness.WriteFile(t, filepath.Join(s.dir, auth+".yaml"),
				[]byte("module:\n  oci: "+r.Ref("team/auth:prod")+"\n  refresh: 1s\n"))
			s.cp.Start()
			all := s.eachVersion(v1, "v1")

			digest = r.Push(t, "team/auth:prod", registrytest.Artifact(v2))
			s.waitError(auth, "signature_missing", v1)
			other.SignImage(r.Ref("team/auth@"+digest), bundle)
			signer.SignImage(r.Ref("team/auth@"+digest), bundle)
			s.cp.WaitLive(auth, v2, len(all))
			all.live("v2")
			all.end()
		})
	}
}

// A bundle is served only after the real cosign has signed the bundle. Until then Envoy keeps the
// last good filters, also over a restart.
func TestSignedBundle(t *testing.T) {
	signer, other := harness.NewCosign(t), harness.NewCosign(t)
	b := newBundled(t, false, "--verify-key", signer.PublicKey)
	v1, v2 := authModule("v1"), authModule("v2")
	b.push(auth, v1, "")
	b.cp.Start()
	proxies := b.startEach()
	refused := b.waitSource("unavailable", "signature_missing")
	if refused.Error.Hint == "" || refused.Error.File != b.ref {
		t.Errorf("the error does not help: %+v", refused.Error)
	}
	signer.SignImage(b.pushed(), true)
	all := b.loadEach(proxies, v1, "v1")

	b.push(auth, v2, "")
	b.waitSource("degraded", "signature_missing")
	other.SignImage(b.pushed(), true)
	b.waitSource("degraded", "signature_invalid")
	b.cp.Restart()
	b.waitSource("degraded", "signature_invalid")
	b.cp.WaitLive(auth, v1, len(all))
	all.live("v1")
	signer.SignImage(b.pushed(), false)
	b.cp.WaitLive(auth, v2, len(all))
	all.live("v2")
	all.end()
	b.waitSource("ok", "")
}

// pushed returns the reference of the tag's current bundle by digest.
func (b *bundled) pushed() string {
	b.t.Helper()
	manifest, err := b.registry.Repository("team/filters").Resolve(b.t.Context(), "prod")
	if err != nil {
		b.t.Fatal(err)
	}
	return b.registry.Ref("team/filters@" + manifest.Digest.String())
}
