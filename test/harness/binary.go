package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// DefaultVersion is the Envoy that is used where a test names none.
const DefaultVersion = "1.40.0"

// RaceVariable, set to 1, has [BuildBinary] build with the race detector.
const RaceVariable = "WASM_XDS_TEST_RACE"

// What is got or built once serves every test of the process.
var (
	envoys sync.Map // version -> func() (string, error)
	binary = sync.OnceValues(func() (string, error) { return buildBinary("wasm-xds") })
	// asking is the binary that asks [DNS] for names.
	asking = sync.OnceValues(buildAsking)
)

// Envoy is the path of that version's binary; "" is [DefaultVersion]. The first
// call may download it.
func Envoy(t TB, version string) string {
	t.Helper()
	if version == "" {
		version = DefaultVersion
	}
	get, _ := envoys.LoadOrStore(version, sync.OnceValues(func() (string, error) {
		cmd := exec.Command("python3", filepath.Join(repository(), "scripts", "get-envoy"), version)
		var words strings.Builder
		cmd.Stderr = &words
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("scripts/get-envoy %s: %w\n%s", version, err, words.String())
		}
		return strings.TrimSpace(string(out)), nil
	}))
	path, err := get.(func() (string, error))()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return path
}

// BuildBinary builds wasm-xds, once a process, and returns its path.
func BuildBinary(t TB) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return path
}

// buildAsking builds the binary with testdata/resolver.go in its main package.
func buildAsking() (string, error) {
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(repository(), "cmd", "wasm-xds", "resolver.go"): filepath.Join(repository(), "test", "harness", "testdata", "resolver.go"),
	}})
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "overlay-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return "", err
	}
	return buildBinary("wasm-xds-asking", "-overlay", file)
}

// buildBinary builds into bin/, which git ignores and which go's own cache keeps
// cheap. Processes that do it at the same time get a whole file each.
func buildBinary(name string, flags ...string) (string, error) {
	dir := filepath.Join(repository(), "bin", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path, args := filepath.Join(dir, name), append([]string{"build"}, flags...)
	if os.Getenv(RaceVariable) == "1" {
		path += "-race"
		args = append(args, "-race")
	}
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	cmd := exec.Command("go", append(args, "-o", partial, "./cmd/wasm-xds")...)
	cmd.Dir = repository()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build wasm-xds: %w\n%s", err, out)
	}
	if err := os.Rename(partial, path); err != nil {
		return "", err
	}
	return path, nil
}

// repository is the directory of go.mod, found from this file's own place, so
// that it does not depend on where a test runs.
func repository() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}
