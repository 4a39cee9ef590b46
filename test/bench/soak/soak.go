// Package soak makes an hour's worth of edits in minutes, with one real Envoy and hundreds of
// simulated Envoys, and looks for leaks.
package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/proc"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
	"github.com/wasm-xds/wasm-xds/test/simenvoy"
)

const (
	filters = 10
	// warmUp is the number of edits until the caches are full: the history of each filter (ten
	// revisions) and the sandbox's decoded modules (four megabytes of modules of 20 KB).
	warmUp = 22 * filters
	// collected is the time until unreferenced modules are deleted.
	collected = time.Minute
)

// plan is the duration and the size of a soak.
type plan struct {
	duration time.Duration
	edits    int
	envoys   int
	rest     time.Duration // before a look
	warmUp   int           // edits before the first look
}

// Benchmark returns the soak.
func Benchmark(duration time.Duration) suite.Benchmark {
	return suite.Benchmark{Name: "soak", Text: text, Run: func(ctx context.Context, o suite.Options) (report.Measured, error) {
		p := plan{duration: duration, edits: 360, envoys: 500, warmUp: warmUp, rest: collected}
		if o.Quick {
			p = plan{duration: 5 * time.Second, edits: 10, envoys: 50, warmUp: 2, rest: 5 * time.Second}
		}
		return run(ctx, o, p)
	}}
}

func run(ctx context.Context, o suite.Options, p plan) (m report.Measured, err error) {
	m.Facts = p.facts()
	binary, err := o.WasmXDS(ctx)
	if err != nil {
		return m, err
	}
	err = o.Do(ctx, "soak", func(t harness.TB) error {
		table, err := soak(t, o, binary, p)
		m.Tables = []report.Table{table}
		return err
	})
	return m, err
}

// The facts of a run.
const editsFact, durationFact, envoyFact, envoysFact, warmUpFact = "edits", "duration", "envoy", "envoys", "warm-up"

func (p plan) facts() report.Facts {
	return report.Facts{
		editsFact: fmt.Sprint(p.edits), durationFact: p.duration.String(), envoyFact: harness.DefaultVersion,
		envoysFact: fmt.Sprint(p.envoys), warmUpFact: fmt.Sprint(p.warmUp),
	}
}

// back returns the headline of a figure that must return to its first value.
func back(figure string) report.Headline {
	return report.Headline{Figures: []string{figure}, Goal: report.Goal{Most: 1.05}}
}

func text(facts report.Facts) report.Text {
	return report.Text{
		Title: "Soak", Reference: "before",
		Headlines: []report.Headline{back(rss), back(goroutines), back(files), back(stateDir)},
		Before: []string{
			fmt.Sprintf("%s edits of %d filters in %s, as many as an hour has with an edit every 10 s. Each edit brings a new module and a new "+
				"configuration to one real Envoy %s and %s simulated ones, with canaries. The column \"before\" is measured after %s earlier edits, "+
				"which fill the history of every filter and the sandbox's cache; the column \"wasm-xds\" is measured at the end. Both "+
				"wait a minute, until the modules that nothing names any more are collected. "+
				"`go run -C test ./bench/cmd/bench -only soak` (`-soak 1h` for longer).",
				facts[editsFact], filters, facts[durationFact], facts[envoyFact], facts[envoysFact], facts[warmUpFact]),
		},
		After: []string{
			"The soak is one long run with a value before and a value after, so there is no median. An " +
				"edit is one revision: the new module is a new file, and the spec that names it is renamed " +
				"into its place. So the store holds the same number of modules at both times: the modules " +
				"of each filter's current revision and of the ten revisions before. The state directory " +
				"grows by the sandbox's verdicts, a hundred bytes each and in two copies. The server keeps " +
				"the verdicts on some thousands of edits, for edits that are taken back.",
			"The server's memory holds no former edit outside its history. The server drops a " +
				"marshalled resource a minute or two after the last Envoy got it, and the sandbox keeps " +
				"four megabytes of decoded modules. At the end, a soak of 8 minutes had 25 MiB of the " +
				"program's file, 16 MiB of goroutine stacks (500 streams), 110 MiB of heap and 5 MiB of " +
				"the Go runtime. Some 50 MiB of the heap were alive: Go's collector runs when the heap has " +
				"doubled, and its scavenger leaves a tenth more with the process at rest. Envoy's own " +
				"memory is recorded without a goal.",
		},
	}
}

// The figures that must return to their first values.
const rss, goroutines, files, stateDir = "memory (RSS)", "goroutines", "open files", "state directory"

// state has the figures of a look.
type state struct{ rss, goroutines, files, stateDir, stateFiles, envoyRSS float64 }

func soak(t harness.TB, o suite.Options, binary string, p plan) (report.Table, error) {
	b, err := start(t, o, binary, p)
	if err != nil {
		return report.Table{}, err
	}
	defer b.close()
	ctx := t.Context()
	for range p.warmUp {
		if err := b.edit(ctx); err != nil {
			return report.Table{}, err
		}
	}
	before, err := b.look(ctx)
	if err != nil {
		return report.Table{}, err
	}
	began := time.Now()
	for i := range p.edits {
		if err := b.edit(ctx); err != nil {
			return report.Table{}, fmt.Errorf("edit %d: %w", i, err)
		}
		next := began.Add(p.duration * time.Duration(i+1) / time.Duration(p.edits))
		if err := suite.Rest(ctx, time.Until(next)); err != nil {
			return report.Table{}, err
		}
	}
	after, err := b.look(ctx)
	if err != nil {
		return report.Table{}, err
	}
	row := func(figure string, unit report.Unit, of func(state) float64) report.Row {
		return report.NewRow(figure, unit, []float64{of(after)}, []float64{of(before)})
	}
	return report.Table{Rows: []report.Row{
		row(rss, report.Bytes, func(s state) float64 { return s.rss }),
		row(goroutines, report.Count, func(s state) float64 { return s.goroutines }),
		row(files, report.Count, func(s state) float64 { return s.files }),
		row(stateDir, report.Bytes, func(s state) float64 { return s.stateDir }),
		row("files in it", report.Count, func(s state) float64 { return s.stateFiles }),
		row("the real Envoy's memory (RSS)", report.Bytes, func(s state) float64 { return s.envoyRSS }),
	}}, nil
}

type bench struct {
	dir, state string
	server     *suite.Server
	fleet      *simenvoy.Fleet
	envoy      *harness.EnvoyProcess
	address    string // of the real Envoy's listener with the first filter
	n          int    // edits so far

	clients int
	rest    time.Duration // before a look
	goal    atomic.Pointer[goal]
}

// goal counts the Envoys that still miss an edit.
type goal struct {
	marker []byte
	left   atomic.Int64
	done   chan struct{}
}

func start(t harness.TB, o suite.Options, binary string, p plan) (*bench, error) {
	b := &bench{dir: filepath.Join(o.Dir, "filters"), state: filepath.Join(o.Dir, "state"), clients: p.envoys, rest: p.rest}
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		return nil, err
	}
	var names []string
	for i := range filters {
		names = append(names, name(i))
		if err := b.write(i, "first", 0); err != nil {
			return nil, err
		}
	}
	var err error
	if b.server, err = suite.StartServer(binary, b.dir, b.state, filepath.Join(o.Dir, "wasm-xds.log")); err != nil {
		return nil, err
	}
	shared := simenvoy.NewNames(names...)
	connected := b.expect("first", p.envoys*filters)
	b.fleet, err = simenvoy.StartFleet(t.Context(), p.envoys, func(i int) simenvoy.Config {
		return simenvoy.Config{
			Address: b.server.XDS, Modules: b.server.Modules, Names: shared, Updated: b.updated,
			Node: simenvoy.NewNode(fmt.Sprintf("simulated-%d", i), "edge"),
		}
	})
	if err != nil {
		return nil, errors.Join(err, b.server.Stop())
	}
	port := harness.FreePort(t)
	b.address = harness.Loopback(port)
	b.envoy = harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: harness.Bootstrap{
		XDSAddress: b.server.XDS, ModulesAddress: b.server.Modules, NodeID: "real",
		HTTP: []harness.HTTPListener{{
			Name: "web", Port: port, Filters: harness.Filters(names...), Upstream: harness.StartUpstream(t).Address(),
		}},
	}.YAML(t)})
	b.envoy.WaitReady()
	return b, await(t.Context(), connected)
}

func (b *bench) close() {
	b.envoy.Stop()
	b.fleet.Close()
	_ = b.server.Stop() // the measurement is complete, so an error does not matter
}

func name(i int) string { return fmt.Sprintf("filter-%d", i) }

func header(i int) string { return fmt.Sprintf("x-filter-%d", i) }

func (b *bench) updated(u simenvoy.Update) {
	g := b.goal.Load()
	if u.Err == nil && g != nil && bytes.Contains(u.Resource, g.marker) && g.left.Add(-1) == 0 {
		close(g.done)
	}
}

func (b *bench) expect(config string, envoys int) <-chan struct{} {
	g := &goal{marker: marker(config), done: make(chan struct{})}
	g.left.Store(int64(envoys))
	b.goal.Store(g)
	return g.done
}

func marker(config string) []byte { return []byte("config-" + config + ".") }

func await(ctx context.Context, done <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("not every Envoy has what was pushed")
	}
}

// module returns the path of a generation's module. Each generation has a file of its own. If a
// module replaced its predecessor in place, the server might read the new module with the old
// spec. The result would be an extra revision, ten revisions would name fewer than ten modules,
// and the number of modules in the store would depend on chance.
func (b *bench) module(i, generation int) string {
	return filepath.Join(b.dir, fmt.Sprintf("%s-%d.wasm", name(i), generation))
}

// write writes a filter with a configuration and the module of a generation.
func (b *bench) write(i int, config string, generation int) error {
	code := testfilter.HTTP{Stamp: fmt.Sprintf("generation-%04d", generation), StampHeader: header(i), EchoConfig: i == 0, Pad: 20_000}
	if err := suite.Replace(b.module(i, generation), code.Module()); err != nil {
		return err
	}
	return suite.Replace(filepath.Join(b.dir, name(i)+".yaml"), fmt.Appendf(nil,
		"name: %s\nmodule: {file: %s}\nconfig: %s\nrollout: {canary: 1}\n", name(i), b.module(i, generation), marker(config)))
}

// edit gives a filter a new module and configuration and waits until every Envoy has them.
func (b *bench) edit(ctx context.Context) error {
	b.n++
	i, config := b.n%filters, fmt.Sprint("edit-", b.n)
	done := b.expect(config, b.clients)
	if err := b.write(i, config, b.n); err != nil {
		return err
	}
	if err := await(ctx, done); err != nil {
		return err
	}
	if err := os.Remove(b.module(i, max(b.n-filters, 0))); err != nil {
		return err
	}
	if i != 0 {
		return nil
	}
	for begin := time.Now(); time.Since(begin) < harness.Deadline; {
		answer, err := harness.TryGet(b.address, nil)
		if err == nil && answer.Header.Get(testfilter.ConfigHeader) == string(marker(config)) {
			return nil
		}
		if err := suite.Rest(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("the real Envoy does not run what the simulated ones do")
}

// look rests and then takes the figures.
func (b *bench) look(ctx context.Context) (s state, err error) {
	if err := suite.Rest(ctx, b.rest); err != nil {
		return s, err
	}
	var errs [4]error
	s.rss, errs[0] = proc.RSS(b.server.PID())
	s.goroutines, errs[1] = b.server.Metric("go_goroutines")
	files, err := proc.Files(b.server.PID())
	s.files, errs[2] = float64(files), err
	s.envoyRSS = float64(b.envoy.RSS())
	errs[3] = filepath.WalkDir(b.state, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		s.stateFiles++
		s.stateDir += float64(info.Size())
		return nil
	})
	return s, errors.Join(errs[:]...)
}
