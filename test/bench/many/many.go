// Package many measures the cost of the number of specs: starts, a single edit, a git checkout
// that changes a thousand specs at once, and memory.
package many

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/proc"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
	"github.com/wasm-xds/wasm-xds/test/simenvoy"
)

const (
	few       = 100
	perModule = 10 // specs that share a module
	snapshots = "wasm_xds_snapshot_changes_total"
)

// sizes are the numbers of specs, of changed specs, of repetitions and of edits.
type sizes struct{ many, checkout, repeats, edits int }

// Benchmark measures ten thousand specs beside a hundred.
func Benchmark() suite.Benchmark {
	return suite.Benchmark{Name: "many", Text: text, Run: func(ctx context.Context, o suite.Options) (report.Measured, error) {
		n := sizes{many: 10_000, checkout: 1000, repeats: 3, edits: 20}
		if o.Quick {
			n = sizes{many: 1000, checkout: 100, repeats: 1, edits: 5}
		}
		return run(ctx, o, n)
	}}
}

func run(ctx context.Context, o suite.Options, n sizes) (m report.Measured, err error) {
	m.Facts = report.Facts{specsFact: fmt.Sprint(n.many), checkoutFact: fmt.Sprint(n.checkout)}
	binary, err := o.WasmXDS(ctx)
	if err != nil {
		return m, err
	}
	var many, hundred samples
	for i := range n.repeats {
		o.Logf("many: run %d of %d", i+1, n.repeats)
		if err := measure(ctx, o, binary, n, &many, &hundred); err != nil {
			return m, err
		}
	}
	m.Tables = []report.Table{table(n, many, hundred)}
	return m, nil
}

// The facts of a run.
const specsFact, checkoutFact = "specs", "checkout"

// The figures in the summary.
const cold, warm, oneEdit, itsSnapshots = "start, no state", "start with the state of before", "one edit", "its snapshots"

func text(facts report.Facts) report.Text {
	return report.Text{
		Title: "Many specs", Reference: fmt.Sprintf("%d specs", few),
		Headlines: []report.Headline{
			{What: facts[specsFact] + " specs", Figures: []string{cold, warm}},
			{Figures: []string{oneEdit}, Goal: report.Goal{Most: 2}},
			{What: "snapshots of a `git checkout`", Figures: []string{itsSnapshots}, Goal: report.Goal{Most: 5, Absolute: true}},
		},
		Before: []string{
			fmt.Sprintf("%s specs lie in one directory, %d specs for each module. The reference is a server with "+
				"%d of them. A start is over when a simulated Envoy that was waiting has its filter. An "+
				"edit renames one spec into its place, and is over when the response is ACKed. Both "+
				"servers run at the same time and take turns. `go run -C test ./bench/cmd/bench -only "+
				"many`.", facts[specsFact], perModule, few),
		},
		After: []string{
			fmt.Sprintf("The checkout is a real `git checkout` in the directory itself, between two commits that "+
				"differ in %s specs (%d of %d). It is over when an Envoy that subscribes to all of them "+
				"has the last one. The metric `%s` counts the snapshots.",
				facts[checkoutFact], few, few, snapshots),
			"Each push of the checkout brings a revision that no Envoy has loaded yet, so each push " +
				"waits for the answer to the push before. The list of nodes that get them is written once, " +
				"before the first push. An edit walks the sorted list of all specs a few times and " +
				"compares pointers. It reads only its own spec (`TestWhatAnEditAllocates`, " +
				"`TestFollowLooksIntoWhatHasChanged`; `BenchmarkTenThousand` in pkg/source/dir and " +
				"`BenchmarkEdit` in internal/control). Every ten seconds, the source compares the whole " +
				"directory without events: this takes a tenth of a second of a core, beside the edits. The " +
				"state file has several MB then. It is written in the background, and less often the " +
				"longer a write takes.",
		},
	}
}

type samples struct{ cold, warm, edit, rss, rssEdited, checkout, snapshots []float64 }

func table(n sizes, many, hundred samples) report.Table {
	return report.Table{Rows: []report.Row{
		report.NewRow(cold, report.Seconds, many.cold, hundred.cold),
		report.NewRow(warm, report.Seconds, many.warm, hundred.warm),
		report.NewRow(oneEdit, report.Seconds, many.edit, hundred.edit),
		report.NewRow(fmt.Sprintf("`git checkout` of %d specs (%d)", n.checkout, few), report.Seconds, many.checkout, hundred.checkout),
		report.NewRow(itsSnapshots, report.Count, many.snapshots, hundred.snapshots),
		report.NewRow("memory (RSS) after a start", report.Bytes, many.rss, hundred.rss),
		report.NewRow("memory (RSS) after the edits and the checkout", report.Bytes, many.rssEdited, hundred.rssEdited),
	}}
}

// directory is a directory of specs with a server and an Envoy.
type directory struct {
	specs, checkout int
	binary, dir     string
	server          *suite.Server
	envoy           *simenvoy.Envoy

	mu      sync.Mutex
	missing map[string]string // filter → expected text in the configuration
	done    chan struct{}
}

func measure(ctx context.Context, o suite.Options, binary string, n sizes, many, hundred *samples) (err error) {
	into := []*samples{many, hundred}
	var sides []*directory
	for _, specs := range []int{n.many, few} {
		d, err := newDirectory(o.Dir, binary, specs, min(n.checkout, specs))
		if err != nil {
			return err
		}
		sides = append(sides, d)
	}
	defer func() {
		for _, d := range sides {
			err = errors.Join(err, d.stop())
		}
	}()
	both := func(times int, do func(*directory, *samples) error) error {
		return report.Interleave(times,
			func() error { return do(sides[0], into[0]) }, func() error { return do(sides[1], into[1]) })
	}
	return errors.Join(
		both(1, func(d *directory, s *samples) error { return d.start(ctx, &s.cold, nil) }),
		both(1, func(d *directory, s *samples) error { return d.start(ctx, &s.warm, &s.rss) }),
		both(n.edits, func(d *directory, s *samples) error { return d.edit(ctx, &s.edit) }),
		both(1, func(d *directory, s *samples) error { return d.checkOut(ctx, s) }),
	)
}

func name(i int) string { return fmt.Sprintf("filter-%05d", i) }

func newDirectory(base, binary string, specs, checkout int) (*directory, error) {
	dir, err := os.MkdirTemp(base, "many")
	if err != nil {
		return nil, err
	}
	d := &directory{specs: specs, checkout: checkout, binary: binary, dir: filepath.Join(dir, "filters")}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		return nil, err
	}
	for i := range specs {
		if i%perModule == 0 {
			module := testfilter.HTTP{Stamp: fmt.Sprintf("%06d", i)}.Module()
			if err := os.WriteFile(filepath.Join(d.dir, fmt.Sprintf("m%d.wasm", i)), module, 0o644); err != nil {
				return nil, err
			}
		}
		if err := os.WriteFile(d.path(i), d.text(i, "first"), 0o644); err != nil {
			return nil, err
		}
	}
	return d, commitTwo(d.dir, d.writeSecond)
}

// writeSecond writes the specs of the branch second.
func (d *directory) writeSecond() error {
	for i := range d.checkout {
		if err := os.WriteFile(d.path(i), d.text(i, "second"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (d *directory) path(i int) string { return filepath.Join(d.dir, name(i)+".yaml") }

func (*directory) text(i int, config string) []byte {
	return fmt.Appendf(nil, "name: %s\nmodule: {file: ./m%d.wasm}\ndelivery: inline\nconfig: config-%s.\nrollout: {canary: 0}\n",
		name(i), i-i%perModule, config)
}

// expect returns a channel that closes when each filter from first to last has arrived with
// config.
func (d *directory) expect(first, last int, config string) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.missing, d.done = map[string]string{}, make(chan struct{})
	for i := first; i < last; i++ {
		d.missing[name(i)] = "config-" + config + "."
	}
	return d.done
}

func (d *directory) updated(u simenvoy.Update) {
	d.mu.Lock()
	defer d.mu.Unlock()
	want, ok := d.missing[u.Name]
	if !ok || !bytes.Contains(u.Resource, []byte(want)) {
		return
	}
	if delete(d.missing, u.Name); len(d.missing) == 0 {
		close(d.done)
	}
}

func await(ctx context.Context, done <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start restarts the server and measures the time to the Envoy's first answer. The Envoy
// subscribes to all filters that the checkout will change.
func (d *directory) start(ctx context.Context, took, rss *[]float64) error {
	if err := d.stop(); err != nil {
		return err
	}
	done := d.expect(0, 1, "first")
	begin := time.Now()
	var err error
	state := filepath.Join(d.dir, "..", "state")
	if d.server, err = suite.StartServer(d.binary, d.dir, state, filepath.Join(d.dir, "..", "wasm-xds.log")); err != nil {
		return err
	}
	var names []string
	for i := range d.checkout {
		names = append(names, name(i))
	}
	d.envoy, err = simenvoy.Start(ctx, simenvoy.Config{
		Address: d.server.XDS, Names: simenvoy.NewNames(names...), Updated: d.updated,
	})
	if err != nil {
		return err
	}
	if err := await(ctx, done); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	*took = append(*took, time.Since(begin).Seconds())
	if err := d.server.Idle(ctx); err != nil || rss == nil {
		return err
	}
	now, err := proc.RSS(d.server.PID())
	*rss = append(*rss, now)
	return err
}

func (d *directory) edit(ctx context.Context, took *[]float64) error {
	config := fmt.Sprintf("edit-%d", len(*took))
	ready, err := suite.Prepare(d.path(0), d.text(0, config))
	if err != nil {
		return err
	}
	if err := d.server.Idle(ctx); err != nil {
		return err
	}
	done := d.expect(0, 1, config)
	begin := time.Now()
	if err := ready.Rename(); err != nil {
		return err
	}
	if err := await(ctx, done); err != nil {
		return fmt.Errorf("edit: %w", err)
	}
	*took = append(*took, time.Since(begin).Seconds())
	return nil
}

func (d *directory) checkOut(ctx context.Context, s *samples) error {
	if err := d.server.Idle(ctx); err != nil {
		return err
	}
	before, err := d.server.Metric(snapshots)
	if err != nil {
		return err
	}
	done := d.expect(0, d.checkout, "second")
	begin := time.Now()
	if err := git(d.dir, "checkout", "--quiet", "--force", "second"); err != nil {
		return err
	}
	if err := await(ctx, done); err != nil {
		return fmt.Errorf("checkout: %w", err)
	}
	s.checkout = append(s.checkout, time.Since(begin).Seconds())
	if err := d.server.Idle(ctx); err != nil {
		return err
	}
	after, err := d.server.Metric(snapshots)
	if err != nil {
		return err
	}
	s.snapshots = append(s.snapshots, after-before)
	rss, err := proc.RSS(d.server.PID())
	s.rssEdited = append(s.rssEdited, rss)
	return err
}

func (d *directory) stop() error {
	if d.envoy != nil {
		d.envoy.Close()
		d.envoy = nil
	}
	if d.server == nil {
		return nil
	}
	server := d.server
	d.server = nil
	return server.Stop()
}
