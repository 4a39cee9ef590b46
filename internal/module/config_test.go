package module

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// A configuration may have the documented maximum size, and arrives complete.
func TestReadConfigSizes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	for _, size := range []int64{0, 2 << 20, spec.MaxConfigFile, spec.MaxConfigFile + 1} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		config, problem := ReadConfig(spec.FileRef{Path: path})
		switch {
		case size > spec.MaxConfigFile:
			if problem == nil || problem.Code != "config_too_large" || !strings.Contains(problem.Message, "16 MiB") || strings.Contains(problem.Hint, "configFrom") {
				t.Errorf("%d bytes: %v", size, problem)
			}
		case problem != nil || int64(len(*config)) != size:
			t.Errorf("%d bytes: %v", size, problem)
		}
	}
}
