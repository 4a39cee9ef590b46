package e2e_test

import (
	"debug/elf"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

// TestMakeStampsTheBinary checks the binary of `make build`: no debug data, the right version and
// commit.
func TestMakeStampsTheBinary(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "wasm-xds")
	out, err := exec.CommandContext(t.Context(), "make", "-C", program.Repository(), "build",
		"BINARY="+binary, "VERSION=v1.2.3", "COMMIT=c0ffee").CombinedOutput()
	if err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	text, err := exec.CommandContext(t.Context(), binary, "version").Output()
	if words := strings.Fields(string(text)); err != nil || len(words) < 6 || words[1] != "v1.2.3" || words[3] != "c0ffee" || words[5] != runtime.Version() {
		t.Errorf("version prints %q, %v", text, err)
	}
	var got struct{ Version, Commit, Go string }
	text, err = exec.CommandContext(t.Context(), binary, "version", "-o", "json").Output()
	if err != nil || json.Unmarshal(text, &got) != nil || got.Version != "v1.2.3" || got.Commit != "c0ffee" || got.Go != runtime.Version() {
		t.Errorf("version -o json prints %s, %v", text, err)
	}
	if runtime.GOOS != "linux" {
		return // the rest reads ELF
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, section := range file.Sections {
		if section.Name == ".symtab" || strings.Contains(section.Name, "debug_") {
			t.Errorf("the binary has a section %s of %d bytes", section.Name, section.Size)
		}
	}
}
