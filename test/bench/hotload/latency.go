package hotload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// Latency measures the effect of swaps on requests during the swaps.
func Latency() suite.Benchmark {
	return suite.Benchmark{Name: "latency", Text: latencyText, Run: runLatency}
}

// window is a time under load with a number of swaps.
type window struct {
	length time.Duration
	swaps  int
	rounds int // windows of each kind
	rate   int // requests per second
}

const (
	windowFact, swapsFact, rateFact = "window", "swaps", "rate"

	// latencyConnections is the number of connections that share a window's rate. Each has a
	// schedule of its own, so a late answer delays no request on another connection.
	latencyConnections = 8
	// drainTime is Envoy's drain time for a replaced listener in seconds. The default is ten
	// minutes, and open connections would use the old filter for that long.
	drainTime = "1"
)

func (w window) facts() report.Facts {
	return report.Facts{
		envoyFact: harness.DefaultVersion, windowFact: w.length.String(), swapsFact: fmt.Sprint(w.swaps), rateFact: fmt.Sprint(w.rate),
	}
}

func runLatency(ctx context.Context, o suite.Options) (report.Measured, error) {
	w := window{length: 6 * time.Second, swaps: 3, rounds: 3, rate: 1000}
	sizes := []size{{"130 KB", 130_000}, {"2 MB", 2_000_000}}
	if o.Quick {
		w, sizes = window{length: time.Second, swaps: 1, rounds: 1, rate: 200}, sizes[:1]
	}
	m := report.Measured{Facts: w.facts()}
	for _, s := range sizes {
		o.Logf("latency: modules of %s", s.title)
		if err := o.Do(ctx, "latency", func(t harness.TB) error {
			sides, err := startLatency(t, s)
			if err != nil {
				return err
			}
			seen, err := w.measure(t.Context(), s, sides)
			m.Tables = append(m.Tables, s.latencyTables(seen)...)
			return err
		}); err != nil {
			return m, fmt.Errorf("modules of %s: %w", s.title, err)
		}
	}
	return m, nil
}

func latencyText(facts report.Facts) report.Text {
	return report.Text{
		Title: "Latency of requests during hot-loads", Reference: "no swaps",
		Before: []string{
			fmt.Sprintf("An Envoy %s with two workers answers %s requests a second on %d kept connections. In "+
				"windows with swaps, a new module replaces the former one %s times in %s. A latency runs "+
				"from the moment in which a request was due to its complete answer, so a request that "+
				"waits behind a slow one counts in full. Each figure is the median of the windows' "+
				"quantiles; *runs* is the number of windows. Windows with and without swaps take turns in "+
				"one Envoy, as do all sides. wasm-xds has its defaults, with the sandbox. There are three "+
				"references: no swaps; the same swaps over Envoy's own `path_config_source` for ECDS; and "+
				"the same swaps as updates of a listener (LDS) that has the filter in its configuration, "+
				"with `--drain-time-s %s`. `go run -C test ./bench/cmd/bench -only latency`.",
				facts[envoyFact], facts[rateFact], latencyConnections, facts[swapsFact], facts[windowFact], drainTime),
		},
		After: []string{
			"The load, Envoy, its compilers, the upstream and wasm-xds share the machine's cores. " +
				"Envoy compiles a new module on its main thread and on V8's helper threads, for each way " +
				"of delivery. Meanwhile the workers wait for a core, and with two cores the tails show " +
				"this wait. *Failed* counts requests without an answer or with an answer of another " +
				"filter. *Reconnects* are connections that Envoy closed or asked to close, as Envoy does " +
				"when another listener replaces theirs. An ECDS update closes none.",
		},
	}
}

// startLatency starts an Envoy with a listener for each side, and the control plane.
func startLatency(t harness.TB, s size) ([]*side, error) {
	dir := filepath.Join(t.TempDir(), "filters")
	if err := os.MkdirAll(filepath.Join(dir, "modules"), 0o755); err != nil {
		return nil, err
	}
	upstream := harness.StartUpstream(t).Address()
	boot := harness.Bootstrap{Mode: harness.ADSDelta, LDSPath: filepath.Join(dir, "..", "lds", "response.json"), Upstreams: []string{upstream}}
	sides := []*side{filesystem(dir), listenerUpdate(t, dir, upstream, boot)}
	for _, delivery := range deliveries() {
		sides = append(sides, ours(dir, delivery))
	}
	for _, one := range sides {
		if one.name != ldsSide {
			one.port = harness.FreePort(t)
			filter := harness.Filter{Name: one.name}
			if one.name == filesystemSide {
				filter.Path = responseFile(dir)
			}
			boot.HTTP = append(boot.HTTP, harness.HTTPListener{
				Name: one.name, Port: one.port, Filters: []harness.Filter{filter}, Upstream: upstream,
			})
		}
		first, err := one.prepare(s.module(stamp(one.name, 0)), 0)
		if err != nil {
			return nil, err
		}
		if err := first.Rename(); err != nil {
			return nil, err
		}
	}
	plane := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir, Args: []string{"--log-level", "info"}})
	boot.XDSAddress, boot.ModulesAddress = plane.XDSAddress(), plane.ModulesAddress()
	harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: boot.YAML(t), ExtraArgs: []string{"--drain-time-s", drainTime}}).WaitReady()
	for _, one := range sides {
		if _, err := one.await(t.Context(), time.Now(), stamp(one.name, 0)); err != nil {
			return nil, err
		}
	}
	return sides, nil
}

// latencies are the samples of a window.
type latencies struct {
	seconds            []float64
	failed, reconnects int
}

// quantiles returns the quantiles of a table's rows with their names.
func quantiles() []struct {
	name string
	q    float64
} {
	return []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}}
}

// seen has the windows of each side.
type seen struct{ swapping, idle map[string][]latencies }

// measure runs windows with and without swaps for each side, in turns.
func (w window) measure(ctx context.Context, s size, sides []*side) (seen, error) {
	all := seen{map[string][]latencies{}, map[string][]latencies{}}
	var runs []func() error
	n := 0
	for _, one := range sides {
		runs = append(runs, func() error {
			got, err := w.load(ctx, one, func() error { return w.swap(ctx, s, one, &n) })
			all.swapping[one.name] = append(all.swapping[one.name], got)
			return err
		}, func() error {
			got, err := w.load(ctx, one, func() error { return suite.Rest(ctx, w.length) })
			all.idle[one.name] = append(all.idle[one.name], got)
			return err
		})
	}
	return all, report.Interleave(w.rounds, runs...)
}

// swap swaps modules, spread evenly over the window, and waits for each swap.
func (w window) swap(ctx context.Context, s size, one *side, n *int) error {
	for range w.swaps {
		*n++
		next := time.Now().Add(w.length / time.Duration(w.swaps))
		if _, err := one.swap(ctx, s.module, *n); err != nil {
			return err
		}
		if err := suite.Rest(ctx, time.Until(next)); err != nil {
			return err
		}
	}
	return nil
}

// load sends requests to a side at the window's rate while during runs.
func (w window) load(ctx context.Context, one *side, during func() error) (latencies, error) {
	// Work left over from the last window (the old VM, a draining listener) must not count.
	if err := suite.Rest(ctx, 1500*time.Millisecond); err != nil {
		return latencies{}, err
	}
	var stop atomic.Bool
	each := make([]latencies, latencyConnections)
	var asking sync.WaitGroup
	began := time.Now()
	for i := range each {
		asking.Go(func() { each[i] = w.ask(one, began, i, &stop) })
	}
	err := during()
	stop.Store(true)
	asking.Wait()
	var all latencies
	for _, l := range each {
		all.seconds = append(all.seconds, l.seconds...)
		all.failed += l.failed
		all.reconnects += l.reconnects
	}
	if len(all.seconds) == 0 && err == nil {
		err = errors.New("no request was answered")
	}
	return all, err
}

// ask sends requests on a connection at their due times. The sleeps set the pace of the load.
func (w window) ask(one *side, began time.Time, offset int, stop *atomic.Bool) (l latencies) {
	client := harness.NewClient(harness.Loopback(one.port))
	defer client.Close()
	interval := time.Second / time.Duration(w.rate)
	for n := offset; !stop.Load(); n += latencyConnections {
		due := began.Add(time.Duration(n) * interval)
		time.Sleep(time.Until(due))
		answer, err := client.Get()
		l.seconds = append(l.seconds, time.Since(due).Seconds())
		if err != nil || one.shows(answer) == "" {
			l.failed++
		}
		if client.Closed() {
			l.reconnects++
		}
	}
	return l
}

// latencyTables returns the size's tables: beside no swaps, and beside each other delivery mode.
func (s size) latencyTables(all seen) []report.Table {
	var tables []report.Table
	beside := func(what, reference string, of func(delivery string) []latencies) {
		table := report.Table{Title: "Modules of " + s.title + ", beside " + what, Reference: reference}
		for _, delivery := range deliveries() {
			ours, theirs := all.swapping[delivery], of(delivery)
			for _, q := range quantiles() {
				table.Rows = append(table.Rows, report.NewRow(q.name+", "+figure(delivery), report.Seconds, quantile(ours, q.q), quantile(theirs, q.q)))
			}
			table.Rows = append(table.Rows,
				report.NewRow("failed, "+figure(delivery), report.Count, count(ours, func(l latencies) int { return l.failed }), count(theirs, func(l latencies) int { return l.failed })),
				report.NewRow("reconnects, "+figure(delivery), report.Count, count(ours, func(l latencies) int { return l.reconnects }), count(theirs, func(l latencies) int { return l.reconnects })))
		}
		tables = append(tables, table)
	}
	beside("no swaps", "no swaps", func(delivery string) []latencies { return all.idle[delivery] })
	beside("filesystem ECDS", "filesystem ECDS", func(string) []latencies { return all.swapping[filesystemSide] })
	beside("a listener update", "listener update (LDS)", func(string) []latencies { return all.swapping[ldsSide] })
	return tables
}

func quantile(windows []latencies, q float64) []float64 {
	var all []float64
	for _, l := range windows {
		all = append(all, suite.Quantile(l.seconds, q))
	}
	return all
}

func count(windows []latencies, of func(latencies) int) []float64 {
	var all []float64
	for _, l := range windows {
		all = append(all, float64(of(l)))
	}
	return all
}
