// Package suite is shared by the benchmarks of test/bench. It defines a benchmark and starts the
// measured servers, each as a separate process.
package suite

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
)

// Benchmark is one section of docs/benchmarks.md.
type Benchmark struct {
	Name string // of the section, and for -only
	Run  func(context.Context, Options) (report.Measured, error)
	// Text returns the page's text about a run.
	Text func(report.Facts) report.Text
}

// Options are the options of a benchmark.
type Options struct {
	Quick  bool      // small and once, as a smoke test
	Dir    string    // for temporary files; removed afterwards
	Binary string    // the wasm-xds to measure; "": built from this tree
	Log    io.Writer // progress messages
}

// Logf prints a progress message.
func (o Options) Logf(format string, args ...any) {
	fmt.Fprintf(o.Log, format+"\n", args...)
}

// Build builds a command of the repository, for example cmd/wasm-xds, into the options'
// directory, as `make build` does. Build returns the binary's path.
func (o Options) Build(ctx context.Context, pkg string) (string, error) {
	path := filepath.Join(o.Dir, filepath.Base(pkg))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "github.com/wasm-xds/wasm-xds/"+pkg)
	cmd.Dir = filepath.Join(program.Repository(), moduleOf(pkg))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// moduleOf returns the directory of a package's module.
func moduleOf(pkg string) string {
	if strings.HasPrefix(pkg, "test/") {
		return "test"
	}
	return "."
}

// WasmXDS returns the path of the binary to measure.
func (o Options) WasmXDS(ctx context.Context) (string, error) {
	if o.Binary != "" {
		return o.Binary, nil
	}
	return o.Build(ctx, "cmd/wasm-xds")
}
