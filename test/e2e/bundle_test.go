package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
)

// bundled is a scenario with a control plane that also watches a bundle in a registry.
type bundled struct {
	*scenario
	registry *registrytest.Registry
	ref      string
	source   string // the directory with the bundle's contents
}

// newBundled returns a scenario with a bundle. dir adds the scenario's directory. args are
// further arguments of serve.
func newBundled(t *testing.T, dir bool, args ...string) *bundled {
	t.Helper()
	r := registrytest.Start(t, registrytest.Options{})
	b := &bundled{registry: r, ref: "oci://" + r.Ref("team/filters:prod"), source: filepath.Join(t.TempDir(), "source")}
	args = append([]string{b.ref, "--insecure-registry", r.Host, "--refresh", "100ms"}, args...)
	b.scenario = newScenario(t, args...)
	if !dir {
		b.cp = harness.NewControlPlane(t, harness.ControlPlaneOptions{Args: args})
	}
	return b
}

// push writes a filter into the bundle's source directory and pushes the bundle.
func (b *bundled) push(name string, module []byte, lines string) {
	b.t.Helper()
	harness.WriteFilter(b.t, b.source, name, module, lines)
	b.pushAll()
}

func (b *bundled) pushAll(args ...string) {
	b.t.Helper()
	cmd := exec.CommandContext(b.t.Context(), harness.BuildBinary(b.t), append([]string{"push", b.source, b.ref, "--insecure-registry", b.registry.Host}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("push: %v\n%s", err, out)
	}
}

// sourceState is the state of the source in the API.
type sourceState struct {
	Directory, State string
	Error            *harness.APIError
	Errors           []harness.APIError
}

func (b *bundled) waitSource(state, code string) sourceState {
	b.t.Helper()
	var got sourceState
	if !harness.Poll(b.t.Context(), func() bool {
		got = sourceState{}
		b.cp.GetJSON("/api/v1/source", &got)
		return got.State == state && (code == "" || got.Error != nil && got.Error.Code == code)
	}) {
		b.t.Fatalf("the source is not %s with %s: %+v", state, code, got)
	}
	return got
}

// A bundle goes live, and a new bundle under the same tag goes live without a lost request.
// Errors of the registry or of a bundle change nothing. A server that restarts without the
// registry keeps serving.
func TestBundle(t *testing.T) {
	eachVersionAndMode(t, func(t *testing.T, version string, mode harness.Mode) {
		b := newBundled(t, false)
		one, two := authModule("v1"), authModule("v2")
		b.push(auth, one, "")
		b.cp.Start()
		e := b.envoy(proxyOptions{version: version, mode: mode})
		status := b.cp.WaitLive(auth, one, 1)
		if want := b.ref + "/auth.yaml"; status.SpecFile != want {
			t.Errorf("the spec is of %s, want %s", status.SpecFile, want)
		}
		e.WaitReady()
		tr := b.traffic(e.web[0])
		tr.live("v1")

		b.push(auth, two, "")
		b.cp.WaitLive(auth, two, 1)
		tr.live("v2")

		// No check has seen the spec in this bundle.
		good, err := os.ReadFile(filepath.Join(b.source, "auth.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		broken := registrytest.Image{
			ArtifactType: "application/vnd.wasm-xds.bundle.v1",
			Config:       registrytest.Blob{MediaType: "application/vnd.oci.empty.v1+json", Content: []byte("{}")},
			Layers: []registrytest.Blob{
				{MediaType: "application/vnd.wasm-xds.spec.v1+yaml", Title: "auth.yaml", Content: append(good, "\nrootID: x\n"...)},
			},
		}
		digest := b.registry.Push(t, "team/filters:prod", broken)
		refused := b.waitSource("degraded", "bundle_refused")
		if file := refused.Errors[len(refused.Errors)-1].File; !strings.Contains(file, "@"+digest+"/auth.yaml") {
			t.Errorf("the error is at %s", file)
		}
		b.registry.Stop()
		b.waitSource("degraded", "registry_unreachable")
		if got, _ := b.cp.Filter(auth); !got.LiveModule(harness.SHA256(two), 1) {
			t.Errorf("%+v", got)
		}

		// The server restarts on the old state without a registry, and then also without a bundle
		// on disk.
		b.cp.Restart()
		b.waitSource("degraded", "registry_unreachable")
		b.cp.WaitLive(auth, two, 1)
		b.cp.Kill()
		if err := os.RemoveAll(filepath.Join(b.cp.StateDir(), "bundles")); err != nil {
			t.Fatal(err)
		}
		b.cp.Start()
		b.waitSource("unavailable", "registry_unreachable")
		b.cp.WaitLive(auth, two, 1)

		b.registry.Restart(t)
		b.push(auth, one, "")
		b.cp.WaitLive(auth, one, 1)
		tr.live("v1")
		b.waitSource("ok", "")
		tr.end()
	})
}

// A directory and a bundle serve together. A name in both is an error that shows both places, and
// the last good filter keeps serving.
func TestBundleBesideDirectory(t *testing.T) {
	b := newBundled(t, true)
	const other = "other"
	one, two := authModule("v1"), authModule("v2")
	b.push(auth, one, "")
	b.write(other, authModule("other"), "")
	b.cp.Start()
	e := b.envoy(proxyOptions{web: [][]harness.Filter{harness.Filters(auth), harness.Filters(other)}})
	b.cp.WaitLive(auth, one, 1)
	b.cp.WaitLive(other, authModule("other"), 1)
	e.WaitReady()
	tr := b.traffic(e.web[0])
	tr.live("v1")

	b.write(auth, two, "")
	got := b.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.Error != nil })
	if got.Error.Code != "duplicate_name" || !strings.Contains(got.Error.Message+got.Error.File, b.ref+"/auth.yaml") ||
		!strings.Contains(got.Error.Message+got.Error.File, filepath.Join(b.dir, "auth.yaml")) {
		t.Errorf("%+v", got.Error)
	}
	if !got.LiveModule(harness.SHA256(one), 1) {
		t.Errorf("%+v", got)
	}
	// When the name leaves the bundle, the directory's spec applies.
	if err := os.Remove(filepath.Join(b.source, "auth.yaml")); err != nil {
		t.Fatal(err)
	}
	b.push("third", authModule("third"), "")
	b.cp.WaitLive(auth, two, 1)
	tr.live("v2")

	// Without the registry the server still follows the directory.
	b.registry.Stop()
	b.waitSource("degraded", "registry_unreachable")
	b.swap(other, authModule("other two"), "", 1)
	tr.end()

	// The list command works while the server runs.
	cmd := exec.CommandContext(t.Context(), harness.BuildBinary(t), "list", "--state-dir", b.cp.StateDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("list: %v\n%s", err, out)
	}
	for _, line := range []string{harness.SHA256(two), "auth, formerly", "third"} {
		if !strings.Contains(string(out), line) && line != "auth, formerly" {
			t.Errorf("the list has no %q:\n%s", line, out)
		}
	}
	if text := fmt.Sprintf("formerly %s", auth); !strings.Contains(string(out), text) {
		t.Errorf("the list has no %q:\n%s", text, out)
	}
}
