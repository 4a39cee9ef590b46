package e2e_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// The modules of delivery: file reach an Envoy of another user inline, until the user's group may
// enter the state directory. No request is lost in between.
func TestModulesForAnEnvoyOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		program.NotTested(t, "only root can run Envoy as another user")
	}
	const nobody = 65534
	s := newScenario(t)
	s.write(auth, authModule("v1"), "delivery: file")
	s.cp.Start()
	web := harness.Loopback(harness.FreePort(t))
	yaml, err := exec.CommandContext(t.Context(), harness.BuildBinary(t), "bootstrap", s.dir, "--xds-address", s.cp.XDSAddress(),
		"--modules-address", s.cp.ModulesAddress(), "--listen-address", web, "--upstream-address", s.upstream.Address()).Output()
	if err != nil {
		t.Fatal(err)
	}
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: string(yaml), User: nobody})
	envoy.WaitReady()
	s.cp.WaitLive(auth, authModule("v1"), 1)
	traffic := s.traffic(web)
	traffic.live("v1")

	s.swap(auth, authModule("v2"), "delivery: file", 1)
	traffic.live("v2")
	sub := s.cp.Status()[0].Subscribers[0]
	if sub.Variant != "inline" || sub.Error == nil || sub.Error.Code != "module_file_unreadable" || !strings.Contains(sub.Error.Hint, "--modules-group") {
		t.Errorf("before the group may enter: %s, %+v", sub.Variant, sub.Error)
	}

	s.cp.Stop()
	s.cp.SetArgs("--modules-group", fmt.Sprint(nobody))
	s.cp.Start()
	s.cp.WaitLive(auth, authModule("v2"), 1)
	s.swap(auth, authModule("v3"), "delivery: file", 1)
	traffic.live("v3")
	traffic.end()
	if sub := s.cp.Status()[0].Subscribers[0]; sub.Variant != "file" || sub.Error != nil {
		t.Errorf("after the group may enter: %s, %+v", sub.Variant, sub.Error)
	}
	wantModes(t, s.cp.StateDir(), 0o710)
}

// wantModes wants a state directory and its files closed to other users, except for the modules,
// which are no secrets.
func wantModes(t *testing.T, dir string, want fs.FileMode) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch {
		case path == dir:
			if info.Mode().Perm() != want {
				t.Errorf("the state directory has the mode %v", info.Mode())
			}
		case path == filepath.Join(dir, "modules"):
			return fs.SkipDir
		case info.Mode().Perm()&0o077 != 0:
			t.Errorf("%s has the mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// No file of a sealed state has a part of a configuration in plain text, whatever happens to the
// configuration. A server without the key does not start, and leaves the state unchanged.
func TestSealedState(t *testing.T) {
	s := newScenario(t)
	const config, env = "CANARY-config-of-the-filter", "CANARY-env-of-the-vm"
	lines := func(n int) string {
		return fmt.Sprintf("config: {key: %s-%d}\nvm: {env: {KEY: %s-%d}}\n", config, n, env, n)
	}
	keys := filepath.Join(t.TempDir(), "keys")
	write := func(numbers ...byte) {
		t.Helper()
		var text strings.Builder
		for _, b := range numbers {
			text.WriteString(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) + "\n")
		}
		harness.WriteFile(t, keys, []byte(text.String()))
		if err := os.Chmod(keys, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain := func() []string {
		t.Helper()
		return withCanaries(t, s.cp.StateDir())
	}
	edit := func(n int) {
		t.Helper()
		s.write(auth, authModule("v1"), lines(n))
		s.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.State == harness.Active && f.Error == nil })
	}

	// A state of a server without a key, with a file damaged once.
	s.write(auth, authModule("v1"), lines(1))
	s.cp.Start()
	e := s.envoy(proxyOptions{})
	e.WaitReady()
	s.cp.WaitLive(auth, authModule("v1"), 1)
	s.cp.Stop()
	if len(plain()) == 0 {
		t.Error("the plain state has no canary")
	}
	wantModes(t, s.cp.StateDir(), 0o700)

	// The key seals old and new files.
	write(1)
	s.cp.SetArgs("--state-key-file", keys)
	s.cp.Start()
	if files := plain(); len(files) > 0 {
		t.Errorf("plain after the start: %v", files)
	}
	s.cp.WaitLog("are sealed")
	edit(2)
	s.cp.WaitLive(auth, authModule("v1"), 1)
	s.cp.Kill()
	if files := plain(); len(files) > 0 {
		t.Errorf("plain after a crash: %v", files)
	}

	// Another key, and none.
	binary := harness.BuildBinary(t)
	refused := func(says string, args ...string) {
		t.Helper()
		args = append([]string{
			"serve", s.dir, "--state-dir", s.cp.StateDir(), "--xds-address", "127.0.0.1:0",
			"--modules-address", "127.0.0.1:0", "--admin-address", "127.0.0.1:0",
		}, args...)
		out, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), says) || !strings.Contains(string(out), "--state-key-file") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	write(2)
	refused("sealed with the key", "--state-key-file", keys)
	refused("there is no key")

	// A new first key takes over, and the old key can go.
	write(2, 1)
	s.cp.Start()
	s.cp.WaitLive(auth, authModule("v1"), 1)
	s.cp.Stop()
	write(2)
	s.cp.Start()
	s.cp.WaitLive(auth, authModule("v1"), 1)
	edit(3)
	s.cp.Stop()
	if files := plain(); len(files) > 0 {
		t.Errorf("plain after the rotation: %v", files)
	}
	wantModes(t, s.cp.StateDir(), 0o700)
}

// withCanaries returns the files below a directory with a canary inside.
func withCanaries(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("CANARY")) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// The files of a bundle are plain, so a server with a sealed state keeps them elsewhere, and
// removes them at the end. The next server serves the filters from the state while the registry is
// away.
func TestBundleBesideASealedState(t *testing.T) {
	keys, runtime := filepath.Join(t.TempDir(), "keys"), t.TempDir()
	harness.WriteFile(t, keys, []byte(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))+"\n"))
	b := newBundled(t, false)
	args := []string{b.ref, "--insecure-registry", b.registry.Host, "--refresh", "100ms"}
	b.cp = harness.NewControlPlane(t, harness.ControlPlaneOptions{Args: args, Env: []string{"RUNTIME_DIRECTORY=", "XDG_RUNTIME_DIR=" + runtime}})
	harness.WriteFile(t, filepath.Join(b.source, "from.json"), []byte(`{"password":"CANARY-from"}`))
	b.push(auth, authModule("v1"), "configFrom: {file: ./from.json}\nvm: {config: CANARY-vm}\n")

	// A plain state has the bundle, and the sealed state has no bundle any more.
	b.cp.Start()
	b.cp.WaitFilter(auth, func(f harness.FilterStatus) bool { return f.State == harness.Active })
	b.cp.Stop()
	if len(withCanaries(t, b.cp.StateDir())) < 2 {
		t.Error("the plain state has no bundle")
	}
	b.cp.SetArgs(append(args, "--state-key-file", keys)...)
	b.cp.Start()
	b.waitSource("ok", "")
	if files := withCanaries(t, b.cp.StateDir()); len(files) > 0 {
		t.Errorf("plain: %v", files)
	}
	if files := withCanaries(t, runtime); len(files) == 0 {
		t.Error("the bundle is not below XDG_RUNTIME_DIR")
	}
	wantModes(t, b.cp.StateDir(), 0o700)
	b.cp.Stop()
	if left, err := os.ReadDir(runtime); err != nil || len(left) > 0 {
		t.Errorf("after the end: %v, %v", left, err)
	}

	b.registry.Stop()
	b.cp.Start()
	if f, ok := b.cp.Filter(auth); !ok || f.State != harness.Active {
		t.Errorf("without the registry: %+v", f)
	}
}
