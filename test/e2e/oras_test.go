package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

// The oras command reads a bundle, unpacks the bundle, and copies the bundle with its signature
// to another registry. The server then serves the copy. The server also serves a bundle made by
// oras.
func TestBundleByOras(t *testing.T) {
	signer := harness.NewCosign(t)
	mirror := registrytest.Start(t, registrytest.Options{})
	copied := mirror.Ref("mirror/filters:prod")
	b := newBundled(t, false)
	b.cp = harness.NewControlPlane(t, harness.ControlPlaneOptions{Args: []string{
		"oci://" + copied, "--insecure-registry", mirror.Host, "--refresh", "100ms", "--verify-key", signer.PublicKey,
	}})
	dir := t.TempDir()
	v1, v2 := authModule("v1"), authModule("v2")
	harness.WriteFile(t, filepath.Join(b.source, "team", "greeting.json"), []byte(`{"hello": "world"}`))
	harness.WriteFile(t, filepath.Join(b.source, "team", "hello.yaml"),
		[]byte("name: hello\nmodule: {file: ../auth.wasm}\nconfigFrom: {file: ./greeting.json}\n"))
	b.push(auth, v1, "")
	ref := strings.TrimPrefix(b.ref, "oci://")

	var manifest struct {
		MediaType, ArtifactType string
		Config                  struct{ MediaType string }
		Layers                  []struct {
			MediaType   string
			Annotations map[string]string
		}
	}
	text := harness.Oras(t, dir, "manifest", "fetch", "--plain-http", ref)
	if err := json.Unmarshal([]byte(text), &manifest); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	layers := ""
	for _, l := range manifest.Layers {
		layers += l.MediaType + " " + l.Annotations["org.opencontainers.image.title"] + "\n"
	}
	if manifest.ArtifactType != "application/vnd.wasm-xds.bundle.v1" || manifest.MediaType != "application/vnd.oci.image.manifest.v1+json" ||
		manifest.Config.MediaType != "application/vnd.oci.empty.v1+json" || layers != lines(
		"application/wasm auth.wasm", "application/vnd.wasm-xds.spec.v1+yaml auth.yaml",
		"application/vnd.wasm-xds.file.v1 team/greeting.json", "application/vnd.wasm-xds.spec.v1+yaml team/hello.yaml") {
		t.Errorf("the manifest is %s", text)
	}
	harness.Oras(t, dir, "pull", "--plain-http", "-o", "pulled", ref)
	for _, name := range []string{"auth.wasm", "auth.yaml", "team/greeting.json", "team/hello.yaml"} {
		if want, got := read(t, filepath.Join(b.source, name)), read(t, filepath.Join(dir, "pulled", name)); !bytes.Equal(want, got) {
			t.Errorf("%s is not what was pushed", name)
		}
	}

	signer.SignImage(b.pushed(), true)
	copyAll := func() {
		t.Helper()
		harness.Oras(t, dir, "copy", "--recursive", "--from-plain-http", "--to-plain-http", ref, copied)
	}
	copyAll()
	b.cp.Start()
	e := b.envoy(proxyOptions{})
	b.cp.WaitLive(auth, v1, 1)
	e.WaitReady()
	tr := b.traffic(e.web[0])
	tr.live("v1")
	b.push(auth, v2, "")
	signer.SignImage(b.pushed(), true)
	copyAll()
	b.cp.WaitLive(auth, v2, 1)
	tr.live("v2")

	// oras builds the bundle from the pulled files.
	pulled := filepath.Join(dir, "pulled")
	if err := os.RemoveAll(filepath.Join(pulled, "team")); err != nil {
		t.Fatal(err)
	}
	harness.Oras(t, pulled, "push", "--plain-http", "--artifact-type", "application/vnd.wasm-xds.bundle.v1", copied,
		"auth.wasm:application/wasm", "auth.yaml:application/vnd.wasm-xds.spec.v1+yaml")
	made, err := mirror.Repository("mirror/filters").Resolve(t.Context(), "prod")
	if err != nil {
		t.Fatal(err)
	}
	signer.SignImage(mirror.Ref("mirror/filters@"+made.Digest.String()), true)
	b.cp.WaitLive(auth, v1, 1)
	tr.live("v1")
	tr.end()
}
