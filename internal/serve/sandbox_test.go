package serve

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The go command prints the expected build ID.
func TestBuildIDIsGos(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	build := func(flags ...string) {
		t.Helper()
		source := filepath.Join(t.TempDir(), "main.go")
		if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		args := append(append([]string{"build", "-o", path}, flags...), source)
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
	}
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return buildID(bytes.NewReader(text))
	}
	build()
	out, err := exec.Command("go", "tool", "buildid", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := read(), strings.TrimSpace(string(out)); got != want || want == "" {
		t.Errorf("build ID %q, go says %q", got, want)
	}
	build("-ldflags=-buildid=")
	if got := read(); got != "" {
		t.Errorf("build ID %q of a program that has none", got)
	}
}

func TestSandboxVersion(t *testing.T) {
	first := sandboxVersion("v1")
	if first == "" || first == "v1" || first != sandboxVersion("v1") {
		t.Errorf("%q, then %q", first, sandboxVersion("v1"))
	}
}
