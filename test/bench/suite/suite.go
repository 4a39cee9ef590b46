// Package suite is what the benchmarks of test/bench share: how they are called,
// and the servers that they measure, each as a process of its own.
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
	// Text is what the page says of a run.
	Text func(report.Facts) report.Text
}

// Options says how a benchmark runs.
type Options struct {
	Quick  bool      // small and once: to see that it works
	Dir    string    // for its files; removed afterwards
	Binary string    // the wasm-xds to measure; "": built from this tree
	Log    io.Writer // what it is doing, for the one who waits
}

// Logf tells what the benchmark is doing.
func (o Options) Logf(format string, args ...any) {
	fmt.Fprintf(o.Log, format+"\n", args...)
}

// Build builds a command of the repository, such as cmd/wasm-xds, into the options'
// directory, as `make build` does, and returns its path.
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

// moduleOf is the directory of the module that has a package.
func moduleOf(pkg string) string {
	if strings.HasPrefix(pkg, "test/") {
		return "test"
	}
	return "."
}

// WasmXDS is the path of the binary to measure.
func (o Options) WasmXDS(ctx context.Context) (string, error) {
	if o.Binary != "" {
		return o.Binary, nil
	}
	return o.Build(ctx, "cmd/wasm-xds")
}
