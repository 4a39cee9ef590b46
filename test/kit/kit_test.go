// Package kit_test builds the templates of `wasm-xds init` with their real compilers, and runs
// `dev` on real Envoys.
package kit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/kit/template"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The toolchains of the scripts, and a common directory for the output of cargo.
var (
	nodeDir     = sync.OnceValue(func() string { return got("get-node") })
	nodeModules = sync.OnceValue(func() string { return got("get-assemblyscript") })
	zigDir      = sync.OnceValue(func() string { return got("get-zig") })
	rustDir     = sync.OnceValue(func() string { return got("get-rust") })
	crates      = sync.OnceValue(func() string { return filepath.Join(program.Repository(), "bin", "test", "crates") })
)

// got is the path from a script; "": the script has failed.
func got(script string) string {
	cmd := exec.Command(filepath.Join(program.Repository(), "scripts", script))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// environment is the environment with the compiler of a language.
func environment(t *testing.T, language string) []string {
	t.Helper()
	path := os.Getenv("PATH")
	for of, dir := range map[string]func() string{"assemblyscript": nodeDir, "zig": zigDir, "rust": rustDir} {
		if of != language {
			continue
		}
		if dir() == "" && language == "rust" {
			program.OutOfReach(t, "there is no Rust, and Rust's server, which is no package registry, gives none")
		}
		if dir() == "" {
			t.Fatalf("there is no compiler of %s", language)
		}
		path = dir() + string(filepath.ListSeparator) + path
	}
	env := append(os.Environ(), "PATH="+path, "GOFLAGS=", "GOWORK=off")
	if language == "rust" { // the crates are built once
		env = append(env, "CARGO_TARGET_DIR="+crates())
	}
	return env
}

// wasmXDS runs the program, and returns its standard output and all of its output.
func wasmXDS(t *testing.T, env []string, args ...string) (stdout, all string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), harness.BuildBinary(t), args...)
	var out, both strings.Builder
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &out, &both
	err = cmd.Run()
	return out.String(), out.String() + both.String(), err
}

// begin makes a project in a new directory.
func begin(t *testing.T, language string, kind template.Kind) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "filters", "edge-"+kind.From)
	if _, all, err := wasmXDS(t, os.Environ(), "init", dir, "--lang", language, "--type", kind.Type, "--from", kind.From); err != nil {
		t.Fatalf("%v\n%s", err, all)
	}
	if language == "assemblyscript" { // as after npm install
		if err := os.Symlink(nodeModules(), filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// edit replaces a text in a file of a project.
func edit(t *testing.T, dir, file, before, after string) {
	t.Helper()
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), before) {
		t.Fatalf("%s has no %q", file, before)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), before, after)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Each template builds, loads in the sandbox, and passes its tests.
func TestTemplates(t *testing.T) {
	t.Parallel()
	for _, language := range template.Languages() {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			for _, kind := range template.Kinds() {
				buildTemplate(t, language, kind)
			}
		})
	}
}

func buildTemplate(t *testing.T, language string, kind template.Kind) {
	t.Helper()
	dir := begin(t, language, kind)
	if language == "assemblyscript" { // optimizing takes most of the time, and changes nothing here
		edit(t, dir, "asconfig.json", `"optimizeLevel": 3, "shrinkLevel": 1`, `"optimizeLevel": 0`)
	}
	stdout, all, err := wasmXDS(t, environment(t, language), "build", dir)
	if err != nil || !strings.Contains(stdout, "built  ") || !strings.Contains(stdout, "first build") || !strings.Contains(stdout, " passed") {
		t.Errorf("%s %s %s: %v\n%s", language, kind.Type, kind.From, err, all)
	}
	files, err := filepath.Glob(filepath.Join(dir, "build", "*"))
	if err != nil || len(files) != 1 {
		t.Errorf("%s %s %s: the build has left %q", language, kind.Type, kind.From, files)
	}
}
