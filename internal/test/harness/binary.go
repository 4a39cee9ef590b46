package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// DefaultVersion is the Envoy version for tests that name none.
const DefaultVersion = "1.40.0"

// RaceVariable makes [BuildBinary] use the race detector if its value is 1.
const RaceVariable = "WASM_XDS_TEST_RACE"

// Downloads and builds are shared by all tests of the process.
var (
	envoys sync.Map // version -> func() (string, error)
	binary = sync.OnceValues(func() (string, error) { return buildBinary("wasm-xds") })
	// asking is the binary that uses [DNS] as its name server.
	asking = sync.OnceValues(buildAsking)
)

// Envoy returns the path of an Envoy binary. A version of "" means [DefaultVersion]. The first call
// may download the binary.
func Envoy(t TB, version string) string {
	t.Helper()
	if version == "" {
		version = DefaultVersion
	}
	get, _ := envoys.LoadOrStore(version, sync.OnceValues(func() (string, error) {
		cmd := exec.Command("python3", filepath.Join(program.Repository(), "scripts", "get-envoy"), version)
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

// BuildBinary builds wasm-xds once per process, and returns the path.
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
		filepath.Join(program.Repository(), "cmd", "wasm-xds", "resolver.go"): filepath.Join(program.Repository(), "internal", "test", "harness", "testdata", "resolver.go"),
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

// buildBinary builds wasm-xds, with the race detector if [RaceVariable] is 1.
func buildBinary(name string, flags ...string) (string, error) {
	if os.Getenv(RaceVariable) == "1" {
		name += "-race"
		flags = append(flags, "-race")
	}
	return program.Build(".", "./cmd/wasm-xds", name, flags...)
}
