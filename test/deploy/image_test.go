package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The Dockerfile copies these paths, and .dockerignore leaves out files of tests. The rest is
// enough to build the binary.
func TestImageHasWhatTheBuildNeeds(t *testing.T) {
	t.Parallel()
	dockerfile := read(t, "Dockerfile")
	ignore := read(t, ".dockerignore")
	for _, path := range []string{"cmd", "internal", "pkg"} {
		if !strings.Contains(dockerfile, "COPY "+path+" "+path+"\n") || !strings.Contains(ignore, "!"+path+"\n") {
			t.Errorf("Dockerfile or .dockerignore lacks %s", path)
		}
	}
	context := t.TempDir()
	files := output(t, exec.CommandContext(t.Context(), "git", "-C", inRepository(), "ls-files", "cmd", "internal", "pkg", "go.mod", "go.sum"))
	for _, file := range strings.Fields(files) {
		if strings.HasPrefix(file, "internal/test/") || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "/testdata/") {
			continue
		}
		target := filepath.Join(context, file)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(read(t, file)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", filepath.Join(t.TempDir(), "wasm-xds"), "./cmd/wasm-xds")
	build.Dir = context
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output(t, build)
}
