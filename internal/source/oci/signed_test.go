package oci

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/signature"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/signaturetest"
	"github.com/wasm-xds/wasm-xds/internal/test/sourcetest"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestVerify(t *testing.T) {
	r := newRig(t, registrytest.Options{})
	sum := r.push(files(moduleOne, "1"))
	var refuse atomic.Bool
	refuse.Store(true)
	r.cfg.Verify = func(_ context.Context, manifest ocispec.Descriptor) *spec.Error {
		if manifest.Digest.String() != sum {
			t.Errorf("asked about %s", manifest.Digest)
		}
		if refuse.Load() {
			return &spec.Error{Code: "not_signed", Message: "not signed"}
		}
		return nil
	}
	r.start()
	if got := sourcetest.Describe(r.wait()); got != "unavailable not_signed" {
		t.Error(got)
	}
	if n := r.registry.Fetched([]byte(moduleOne)); n != 0 {
		t.Errorf("the module was fetched %d times", n)
	}
	refuse.Store(false)
	r.waitFor("1 specs")
}

// signedRig returns a rig that accepts only bundles with a signature by key.
func signedRig(t *testing.T, key signaturetest.Key) *rig {
	t.Helper()
	r := newRig(t, registrytest.Options{})
	modules := &module.Resolver{Verify: spec.Verify{Keys: []*spec.FileRef{{Path: key.File}}}}
	r.cfg.Verify = func(ctx context.Context, manifest ocispec.Descriptor) *spec.Error {
		return modules.CheckBundle(ctx, r.cfg.Client, r.cfg.Reference, manifest)
	}
	return r
}

func wantConfig(t *testing.T, set source.Set, want string) {
	t.Helper()
	if text, err := os.ReadFile(set.Specs[0].ConfigFrom.Path); err != nil || string(text) != want {
		t.Errorf("the configuration is %q, %v; want %q", text, err, want)
	}
}

// A bundle is used only if it is signed with the key. Until then the last good bundle stays in use.
func TestSignedBundle(t *testing.T) {
	key, other := signaturetest.NewKey(t), signaturetest.NewKey(t)
	r := signedRig(t, key)
	first := r.push(files(moduleOne, "1"))
	r.start()
	set := r.wait()
	if sourcetest.Describe(set) != "unavailable "+signature.CodeMissing {
		t.Fatalf("%+v", set)
	}
	if said := set.Unavailable; !strings.Contains(said.Message, first+" is not signed") || !strings.Contains(said.Hint, "cosign sign") ||
		said.Pos.File != Root(r.cfg.Reference) {
		t.Errorf("%+v", said)
	}
	other.SignImage(t, r.registry, "team/filters", first)
	r.waitFor("unavailable " + signature.CodeInvalid)
	if n := r.registry.Fetched([]byte(moduleOne)); n != 0 {
		t.Errorf("the module was fetched %d times before its bundle was signed", n)
	}
	key.SignImage(t, r.registry, "team/filters", first)
	wantConfig(t, r.waitFor("1 specs"), "1")

	second := r.push(files(moduleOne, "2"))
	wantConfig(t, r.waitFor("1 specs, degraded "+signature.CodeMissing), "1")
	other.SignImage(t, r.registry, "team/filters", second)
	wantConfig(t, r.waitFor("1 specs, degraded "+signature.CodeInvalid), "1")
	key.SignImage(t, r.registry, "team/filters", second)
	wantConfig(t, r.waitFor("1 specs"), "2")
}

// A bundle on disk from a time without a required key is checked against the key, too.
func TestSignedBundleOnDisk(t *testing.T) {
	key := signaturetest.NewKey(t)
	r := signedRig(t, key)
	verify := r.cfg.Verify
	r.cfg.Verify = nil
	sum := r.push(files(moduleOne, "1"))
	r.start()
	r.waitFor("1 specs")
	r.stop()
	r.cfg.Verify = verify
	r.start()
	if set := r.wait(); sourcetest.Describe(set) != "unavailable "+signature.CodeMissing {
		t.Fatalf("%+v", set)
	}
	key.SignImage(t, r.registry, "team/filters", sum)
	r.waitFor("1 specs")
}
