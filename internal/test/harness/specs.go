package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
)

// SHA256 returns the sha256 of a module in lowercase hex.
func SHA256(module []byte) string {
	sum := sha256.Sum256(module)
	return hex.EncodeToString(sum[:])
}

// WriteFile replaces a file atomically, and creates missing directories.
func WriteFile(t TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	partial := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".partial")
	if err := os.WriteFile(partial, content, 0o644); err != nil {
		t.Fatalf("%v", err)
	}
	if err := os.Rename(partial, path); err != nil {
		t.Fatalf("%v", err)
	}
}

// WriteFilter writes <dir>/<name>.wasm and then the spec <dir>/<name>.yaml for the module, with
// further YAML lines at the end. If the same module exists already, only the spec changes.
func WriteFilter(t TB, dir, name string, module []byte, lines string) {
	t.Helper()
	file := filepath.Join(dir, name+".wasm")
	if old, err := os.ReadFile(file); err != nil || string(old) != string(module) {
		WriteFile(t, file, module)
	}
	WriteFile(t, filepath.Join(dir, name+".yaml"),
		fmt.Appendf(nil, "name: %s\nmodule: {file: ./%s.wasm}\n%s", name, name, lines))
}
