// Package innerloop measures the time from an edit of a filter's source to the first answer of the
// new filter in `wasm-xds dev`, beside the compiler alone. The package also measures the time from
// `wasm-xds init` to the first answer.
package innerloop

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// Benchmark measures the inner loop of a filter's author.
func Benchmark() suite.Benchmark {
	return suite.Benchmark{Name: "innerloop", Text: text, Run: run}
}

// language is a language with its compiler's command, for a directory with the template.
type language struct {
	name, id, source, command string
	made                      string // by the command
}

func languages() []language {
	return []language{
		{"Go", "go", "main.go", "GOOS=wasip1 GOARCH=wasm go build -trimpath -buildvcs=false -buildmode=c-shared '-ldflags=-s -w' -o alone.wasm .", "alone.wasm"},
		{"Rust", "rust", "src/lib.rs", "cargo build --quiet --release --target wasm32-unknown-unknown", "target/wasm32-unknown-unknown/release/filter.wasm"},
		{"AssemblyScript", "assemblyscript", "assembly/index.ts", "node node_modules/assemblyscript/bin/asc.js assembly/index.ts --target release --outFile alone.wasm", "alone.wasm"},
	}
}

const (
	editFigure  = "an edit: "
	bothFigure  = "an edit of "
	firstFigure = "from init to the first answer: "
)

func text(report.Facts) report.Text {
	return report.Text{
		Title: "The inner loop", Reference: "the compiler alone",
		Headlines: []report.Headline{{Figures: []string{editFigure}, Goal: report.Goal{Most: 1.2}}},
		Before: []string{
			"The figures of an edit run from the save of a source of the template `headers` in `wasm-xds dev` to " +
				"the first answer with the new header on a real Envoy: build, sandbox, tests and hot-load. Their " +
				"reference is the compiler's own command on a copy of the project, with an edit of the same kind, in " +
				"the same run. Requests look for the answer every five milliseconds, because more of them would take the " +
				"cores from the compiler. The last figures of the first table run from `wasm-xds init` to the first answer in `wasm-xds dev`, with warm " +
				"caches of the compilers: the start of Envoy is in them. Their reference is the first run of the compiler. " +
				"The second table has the same edits beside the compiler's time and the time in which Envoy alone loads the " +
				"module, from the rename of its own `path_config_source` to the first answer. " +
				"`go run -C test ./bench/cmd/bench -only innerloop`.",
		},
		After: []string{
			"Go's compiler is quick, and its modules have 2 MiB: Envoy itself takes several times as long to load such a " +
				"module as the compiler to make it, which no control plane can change. So the goal of 1.2 is out of reach for " +
				"Go beside the compiler alone; the second table shows our part. Modules of Rust and " +
				"AssemblyScript have some KiB, which Envoy loads at once.",
		},
	}
}

func run(ctx context.Context, o suite.Options) (m report.Measured, err error) {
	rounds, starts := 15, 3
	if o.Quick {
		rounds, starts = 2, 1
	}
	binary, err := o.WasmXDS(ctx)
	if err != nil {
		return m, err
	}
	var edits, both, firsts []report.Row
	for _, l := range languages() {
		o.Logf("innerloop: %s", l.name)
		err := o.Do(ctx, "innerloop", func(t harness.TB) error {
			b := bench{t: t, language: l, binary: binary}
			if err := b.measure(rounds, starts); err != nil {
				return fmt.Errorf("%s: %w", l.name, err)
			}
			edits = append(edits, report.NewRow(editFigure+l.name, report.Seconds, b.edits, b.alone))
			both = append(both, report.NewRow(bothFigure+l.name, report.Seconds, b.edits, b.both()))
			firsts = append(firsts, report.NewRow(firstFigure+l.name, report.Seconds, b.firsts, b.firstBuilds))
			return nil
		})
		if err != nil {
			return m, err
		}
	}
	m.Tables = []report.Table{
		{Rows: slices.Concat(edits, firsts)},
		{Title: "Beside the compiler and Envoy", Reference: "the compiler, then Envoy", Rows: both},
	}
	return m, nil
}

// bench measures one language.
type bench struct {
	t harness.TB
	language
	binary string

	n    int    // of the last edit
	dir  string // the project in dev
	copy string // the project of the compiler alone
	port int

	envoy ownEnvoy

	edits, alone, loads, firsts, firstBuilds []float64 // samples in seconds
}

func (b *bench) measure(rounds, starts int) (err error) {
	for i := range starts {
		end, err := b.first()
		if err != nil {
			return err
		}
		if i < starts-1 {
			end()
			continue
		}
		defer end()
	}
	if b.envoy, err = startEnvoy(b.t, b.binary, b.dir); err != nil {
		return err
	}
	return report.Interleave(rounds, b.edit, b.compile, b.load)
}

// both are the times of the compiler and of Envoy, added.
func (b *bench) both() []float64 {
	sums := make([]float64, min(len(b.alone), len(b.loads)))
	for i := range sums {
		sums[i] = b.alone[i] + b.loads[i]
	}
	return sums
}

// first begins a project, and starts dev. The caller must call end.
func (b *bench) first() (end func(), err error) {
	b.port = harness.FreePort(b.t)
	if b.copy, err = b.begin("alone"); err != nil {
		return nil, err
	}
	began := time.Now()
	if err := b.compiler(); err != nil {
		return nil, err
	}
	b.firstBuilds = append(b.firstBuilds, time.Since(began).Seconds())
	began = time.Now()
	if b.dir, err = b.begin("edge"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	dev := exec.CommandContext(ctx, b.binary, "dev", b.dir, "--envoy", harness.Envoy(b.t, ""), "--listen-address", harness.Loopback(b.port))
	for _, flag := range []string{"tcp-listen-address", "envoy-admin-address", "upstream-address", "xds-address", "modules-address", "admin-address"} {
		dev.Args = append(dev.Args, "--"+flag, "127.0.0.1:0")
	}
	var log strings.Builder
	dev.Stdout, dev.Stderr = &log, &log
	dev.Cancel = func() error { return dev.Process.Signal(os.Interrupt) }
	if err := dev.Start(); err != nil {
		cancel()
		return nil, err
	}
	end = func() {
		cancel()
		_ = dev.Wait() // it ends by the signal
	}
	if err := b.await("hello"); err != nil {
		end()
		return nil, fmt.Errorf("%w\n%s", err, log.String())
	}
	b.firsts = append(b.firsts, time.Since(began).Seconds())
	return end, nil
}

// begin makes a project. AssemblyScript's compiler is there, as after npm install.
func (b *bench) begin(name string) (string, error) {
	dir := filepath.Join(b.t.TempDir(), name)
	if out, err := exec.CommandContext(b.t.Context(), b.binary, "init", dir, "--lang", b.id).CombinedOutput(); err != nil {
		return "", fmt.Errorf("init: %w\n%s", err, out)
	}
	if b.id != "assemblyscript" {
		return dir, nil
	}
	modules, err := exec.CommandContext(b.t.Context(), filepath.Join(program.Repository(), "scripts", "get-assemblyscript")).Output()
	if err != nil {
		return "", err
	}
	return dir, os.Symlink(strings.TrimSpace(string(modules)), filepath.Join(dir, "node_modules"))
}

// compiler runs the compiler alone.
func (b *bench) compiler() error {
	cmd := exec.CommandContext(b.t.Context(), "sh", "-c", b.command)
	cmd.Dir = b.copy
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", b.command, err, out)
	}
	return nil
}

// change gives the response header another name in a project.
func (b *bench) change(dir string) (header string, err error) {
	path := filepath.Join(dir, filepath.FromSlash(b.source))
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	b.n++
	header = fmt.Sprintf("hello-%d", b.n)
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		if before, after, found := strings.Cut(line, `"hello`); found && !strings.HasPrefix(strings.TrimSpace(line), "//") {
			_, after, _ = strings.Cut(after, `"`)
			lines[i] = before + `"` + header + `"` + after
		}
	}
	return header, os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644)
}

// edit measures the time from a save to the first answer of the new filter.
func (b *bench) edit() error {
	if err := suite.Rest(b.t.Context(), time.Second); err != nil {
		return err
	}
	began := time.Now()
	header, err := b.change(b.dir)
	if err != nil {
		return err
	}
	if err := b.await(header); err != nil {
		return err
	}
	b.edits = append(b.edits, time.Since(began).Seconds())
	return nil
}

// compile measures the compiler alone, after an edit of the same kind.
func (b *bench) compile() error {
	if err := suite.Rest(b.t.Context(), time.Second); err != nil {
		return err
	}
	if _, err := b.change(b.copy); err != nil {
		return err
	}
	began := time.Now()
	if err := b.compiler(); err != nil {
		return err
	}
	b.alone = append(b.alone, time.Since(began).Seconds())
	return nil
}

// load measures the time in which Envoy alone loads the module of the last compiler's run, after a
// run that does not count.
func (b *bench) load() error {
	header, err := b.change(b.copy)
	if err != nil {
		return err
	}
	if err := b.compiler(); err != nil {
		return err
	}
	place, err := b.envoy.prepare(filepath.Join(b.copy, filepath.FromSlash(b.made)))
	if err != nil {
		return err
	}
	if err := suite.Rest(b.t.Context(), time.Second); err != nil {
		return err
	}
	began := time.Now()
	if err := place(); err != nil {
		return err
	}
	if err := await(b.t.Context(), b.envoy.port, header); err != nil {
		return err
	}
	b.loads = append(b.loads, time.Since(began).Seconds())
	return nil
}

func (b *bench) await(header string) error { return await(b.t.Context(), b.port, header) }

// often is the time between two looks. A request more often would take the cores from the compiler.
const often = 5 * time.Millisecond

// await waits for an answer with a header.
func await(ctx context.Context, port int, header string) error {
	client := harness.NewClient(harness.Loopback(port))
	defer client.Close()
	for start := time.Now(); time.Since(start) < harness.Deadline; {
		if answer, err := client.Get(); err == nil && answer.Header.Get(header) != "" {
			return nil
		}
		if err := suite.Rest(ctx, often); err != nil {
			return err
		}
	}
	return fmt.Errorf("the filter with %s does not answer", header)
}
