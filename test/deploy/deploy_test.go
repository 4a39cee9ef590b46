// Package deploy_test runs the examples for containers without Docker and without a cluster. The
// processes are real, and their images are not.
package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tool is the path of a program that a script brings.
func tool(t *testing.T, script string) string {
	t.Helper()
	return strings.TrimSpace(output(t, exec.CommandContext(t.Context(), inRepository("scripts", script))))
}

// output runs a command and returns its standard output.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", cmd.Args, err, out, problems.String())
	}
	return string(out)
}

func inRepository(names ...string) string {
	return filepath.Join(append([]string{program.Repository()}, names...)...)
}

func read(t *testing.T, names ...string) string {
	t.Helper()
	text, err := os.ReadFile(inRepository(names...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantValid expects manifests that the schemas of Kubernetes allow, without unknown fields.
func wantValid(t *testing.T, files ...string) {
	t.Helper()
	args := append([]string{"--strict", "--quiet"}, files...)
	if out, err := exec.CommandContext(t.Context(), tool(t, "get-kubernetes-validate"), args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
