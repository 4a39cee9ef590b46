// Package push measures wasm-xds's own part of a hot-load, from a spec's rename to the response
// at a client. The reference is a plain go-control-plane server behind a bare file watch.
package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
	"github.com/wasm-xds/wasm-xds/test/simenvoy"
)

// Benchmark measures edits of several kinds.
func Benchmark() suite.Benchmark {
	return suite.Benchmark{Name: "push", Text: text, Run: run}
}

// settle is serve's default of --settle. The goal is settle plus 10 ms.
const settle = 20 * time.Millisecond

// Each kind has two figures.
const p50, p99 = ", p50", ", p99"

// kind is a kind of edit.
type kind struct {
	title  string
	module func(n int) int // number of the n-th edit's module
	config func(n int) int
	code   int // bytes of extra code in the modules
}

func kinds() []kind {
	same := func(int) int { return 0 }
	each := func(n int) int { return n }
	return []kind{
		{"a new configuration (unproven: the canary is written down first)", same, each, 0},
		{"a new module of 400 B (unproven, and stored)", each, same, 0},
		{"a new module of 2 MB (unproven, and stored)", each, same, 2_000_000},
		{"back to a revision of before (proven)", same, func(n int) int { return n % 2 }, 0},
	}
}

func run(ctx context.Context, o suite.Options) (m report.Measured, err error) {
	binary, err := o.WasmXDS(ctx)
	if err != nil {
		return m, err
	}
	batches, edits := 3, 100
	if o.Quick {
		batches, edits = 1, 20
	}
	table := report.Table{}
	for _, k := range kinds() {
		o.Logf("push: %s", k.title)
		rows, err := measure(ctx, o, binary, k, batches, edits)
		if err != nil {
			return m, fmt.Errorf("%s: %w", k.title, err)
		}
		table.Rows = append(table.Rows, rows...)
	}
	m.Tables = []report.Table{table}
	return m, nil
}

func text(report.Facts) report.Text {
	tails := report.Headline{Goal: report.Goal{Most: (settle + 10*time.Millisecond).Seconds(), Absolute: true}}
	for _, k := range kinds() {
		tails.Figures = append(tails.Figures, k.title+p99)
	}
	return report.Text{
		Title: "Our part", Reference: "bare file watch", Headlines: []report.Headline{tails},
		Before: []string{
			"A time runs from the rename of a spec into its place to the ACKed response at a simulated " +
				"Envoy (ADS, delta) on loopback, with the default `--settle` of 20 ms. A run is a hundred " +
				"edits, 50 to 250 ms apart, so an edit meets the remaining work of the edit before (the " +
				"save of the state) at any point. The reference is the delay with which a process that " +
				"only watches the directory with fsnotify hears of the same rename. Every control plane " +
				"begins there. `go run -C test ./bench/cmd/bench -only push`.",
		},
		After: []string{
			"The sandbox is off here (`--preflight off`). wasm-xds reads a spec at once if it is " +
				"renamed into its place, and waits for all of `--settle` if it is written in place. The " +
				"goal of 30 ms starts at the end of `--settle`. The remaining time has three parts: " +
				"reading and decoding the spec, copying a new module into the store, and the way to the " +
				"client. wasm-xds prepares the store's file in advance, because creating a file is the " +
				"slowest part on ext4. The file's new name waits for the file system's journal while the " +
				"former state is being synced, and this wait is the tail.",
		},
	}
}

// measure returns p50 and p99 of each batch of edits.
func measure(ctx context.Context, o suite.Options, binary string, k kind, batches, edits int) (rows []report.Row, err error) {
	b, err := start(ctx, o, binary, k)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	var middles, tails, heardMiddles, heardTails []float64
	n := 1 // 0 was the first revision
	for range batches {
		var took, heard []float64
		for range edits {
			n++
			t, h, err := b.edit(ctx, n)
			if err != nil {
				return nil, err
			}
			took, heard = append(took, t.Seconds()), append(heard, h.Seconds())
		}
		middles, heardMiddles = append(middles, suite.Quantile(took, 0.5)), append(heardMiddles, suite.Quantile(heard, 0.5))
		tails, heardTails = append(tails, suite.Quantile(took, 0.99)), append(heardTails, suite.Quantile(heard, 0.99))
	}
	return []report.Row{
		report.NewRow(k.title+p50, report.Seconds, middles, heardMiddles),
		report.NewRow(k.title+p99, report.Seconds, tails, heardTails),
	}, nil
}

// bench is a server with an Envoy and a watch of the directory.
type bench struct {
	kind   kind
	dir    string
	server *suite.Server
	envoy  *simenvoy.Envoy
	watch  *watch
	pushed chan pushed
}

type pushed struct {
	at       time.Time
	resource []byte
}

func start(ctx context.Context, o suite.Options, binary string, k kind) (*bench, error) {
	dir, err := os.MkdirTemp(o.Dir, "push")
	if err != nil {
		return nil, err
	}
	b := &bench{kind: k, dir: filepath.Join(dir, "filters"), pushed: make(chan pushed, 100)}
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		return nil, err
	}
	for _, n := range []int{0, 1} { // the proven kind alternates between two served revisions
		first, err := b.prepare(n)
		if err != nil {
			return nil, err
		}
		if err := first.Rename(); err != nil {
			return nil, err
		}
		if n == 0 {
			if err := b.connect(ctx, binary, dir); err != nil {
				return nil, errors.Join(err, b.close())
			}
		}
		if _, err := b.await(ctx, n); err != nil {
			return nil, errors.Join(err, b.close())
		}
	}
	return b, nil
}

func (b *bench) connect(ctx context.Context, binary, dir string) error {
	var err error
	if b.server, err = suite.StartServer(binary, b.dir, filepath.Join(dir, "state"), filepath.Join(dir, "wasm-xds.log"), "--preflight", "off"); err != nil {
		return err
	}
	if b.watch, err = newWatch(b.dir); err != nil {
		return err
	}
	b.envoy, err = simenvoy.Start(ctx, simenvoy.Config{
		Address: b.server.XDS, Names: simenvoy.NewNames(filterName),
		Updated: func(u simenvoy.Update) { b.pushed <- pushed{time.Now(), bytes.Clone(u.Resource)} },
	})
	return err
}

func (b *bench) close() error {
	var err error
	if b.envoy != nil {
		b.envoy.Close()
	}
	if b.watch != nil {
		err = b.watch.close()
	}
	if b.server != nil {
		err = errors.Join(err, b.server.Stop())
	}
	return err
}

// prepare writes the n-th spec and its module beside their places.
func (b *bench) prepare(n int) (suite.Replacement, error) {
	module := b.kind.module(n)
	path := filepath.Join(b.dir, fmt.Sprintf("m%d.wasm", module))
	if _, err := os.Stat(path); err != nil {
		content := testfilter.HTTP{Stamp: fmt.Sprintf("m%06d", module), Code: b.kind.code}.Module()
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return suite.Replacement{}, err
		}
	}
	// Delivery by file needs only one small response, so the benchmark measures only the server.
	return suite.Prepare(filepath.Join(b.dir, filterName+".yaml"),
		fmt.Appendf(nil, "name: %s\nmodule: {file: %s}\ndelivery: file\nconfig: %s\n", filterName, path, b.marker(n)))
}

func (b *bench) marker(n int) string {
	return fmt.Sprintf("config-%d-module-%d.", b.kind.config(n), b.kind.module(n))
}

// await waits for the n-th revision.
func (b *bench) await(ctx context.Context, n int) (time.Time, error) {
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	for {
		select {
		case p := <-b.pushed:
			if bytes.Contains(p.resource, []byte(b.marker(n))) {
				return p.at, nil
			}
		case <-late.C:
			return time.Time{}, fmt.Errorf("%s was not pushed", b.marker(n))
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}

// rest returns the pause before the n-th edit. The pauses are spread evenly between two limits.
func rest(n int) time.Duration {
	const least, more = 50, 200
	return time.Duration(least+n*61%more) * time.Millisecond
}

// edit returns the time to the response and the time to the bare watch's event.
func (b *bench) edit(ctx context.Context, n int) (took, heard time.Duration, err error) {
	ready, err := b.prepare(n)
	if err != nil {
		return 0, 0, err
	}
	if err := suite.Rest(ctx, rest(n)); err != nil {
		return 0, 0, err
	}
	b.watch.forget()
	start := time.Now()
	if err := ready.Rename(); err != nil {
		return 0, 0, err
	}
	arrived, err := b.await(ctx, n)
	if err != nil {
		return 0, 0, err
	}
	seen, err := b.watch.await(ctx)
	return arrived.Sub(start), seen.Sub(start), err
}
