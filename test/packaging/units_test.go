package packaging

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// mostExposure is the largest exposure of the service, in tenths. systemd's scale goes to 100.
const mostExposure = "20"

// TestUnits has systemd look at the units: they have no mistake, and the service can do little
// beyond its work.
func TestUnits(t *testing.T) {
	units, err := filepath.Glob(filepath.Join(program.Repository(), "packaging", "systemd", "*"))
	if err != nil || len(units) != 4 {
		t.Fatalf("%v, %v", units, err)
	}
	// verify wants the programs of the units on this machine.
	dir := t.TempDir()
	args := []string{"systemd-analyze", "verify", "--man=no", "--recursive-errors=no"}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Base(unit))
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/usr/bin/wasm-xds", "/bin/true")), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	for line := range strings.Lines(run(t, nil, args...)) {
		if strings.Contains(line, "wasm-xds") {
			t.Error(line)
		}
	}
	service := filepath.Join(program.Repository(), "packaging", "systemd", "wasm-xds.service")
	t.Log(last(run(t, nil, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold="+mostExposure, service)))
}
