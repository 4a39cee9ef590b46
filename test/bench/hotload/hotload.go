// Package hotload measures the time from a spec's rename to the first answer of the new filter,
// beside the same swap over Envoy's own filesystem ECDS.
package hotload

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// size is the amount of extra code in the modules of a table.
type size struct {
	title string
	code  int
}

// rounds returns the number of samples for an operation of about this duration. Operations of
// milliseconds are quick to measure and vary more, so they get more samples.
func rounds(o suite.Options, about time.Duration) int {
	switch {
	case o.Quick:
		return 3
	case about < 100*time.Millisecond:
		return 63
	default:
		return 21
	}
}

// module returns a module of the size that stamps answers.
func (s size) module(stamp string) []byte {
	return testfilter.HTTP{Stamp: stamp, Code: s.code}.Module()
}

// Benchmark measures swaps of modules in three sizes.
func Benchmark() suite.Benchmark {
	return suite.Benchmark{Name: "hotload", Text: text, Run: run}
}

func run(ctx context.Context, o suite.Options) (report.Measured, error) {
	m := report.Measured{Facts: report.Facts{envoyFact: harness.DefaultVersion}}
	sizes := []size{{"400 B", 0}, {"130 KB", 130_000}, {"2 MB", 2_000_000}}
	took := []time.Duration{15 * time.Millisecond, 60 * time.Millisecond, 500 * time.Millisecond}
	if o.Quick {
		sizes = sizes[:2]
	}
	for i, size := range sizes {
		o.Logf("hotload: modules of %s", size.title)
		all := samples{}
		for range pairs {
			if err := o.Do(ctx, "hotload", func(t harness.TB) error {
				sides, err := start(t, size)
				if err != nil {
					return err
				}
				return takeTurns(t, sides, size.module, rounds(o, took[i])/pairs, all)
			}); err != nil {
				return m, fmt.Errorf("modules of %s: %w", size.title, err)
			}
		}
		m.Tables = append(m.Tables, size.table(all))
	}
	return m, nil
}

// envoyFact is the version of the measured Envoy.
const envoyFact = "envoy"

func text(facts report.Facts) report.Text {
	return report.Text{
		Title: "Hot-load", Reference: "Envoy's filesystem ECDS",
		Headlines: []report.Headline{
			{Figures: []string{figure("inline")}, Goal: report.Goal{Most: 1.05}},
			{Figures: []string{figure("file")}, Goal: report.Goal{Most: 1.05}},
			{Figures: []string{figure("remote")}, Goal: report.Goal{Most: 1.15}},
		},
		Before: []string{
			"A hot-load runs from the rename of a spec into its place to the first answer of the new filter, on an " +
				"Envoy " + facts[envoyFact] + " with two workers that gets a request every half millisecond. Three such Envoys, each with a " +
				"server of its own, are measured one after another. The new module is on the disk already, and differs from all before it. " +
				"The reference is the same module in the same Envoy over Envoy's own `path_config_source`: a rename of the " +
				"discovery response with `code.local`. All sides take turns. `go run -C test ./bench/cmd/bench -only hotload`.",
		},
		After: []string{
			"The two larger modules hold functions that nothing calls. Each module has other " +
				"functions, so Envoy compiles everything anew.",
			"The sandbox is off here (`--preflight off`); the next section measures it. The log of an " +
				"Envoy (400 B, medians of 63 swaps) shows the way of an edit: Envoy hears of its own file " +
				"0.3 ms after the rename has begun, and has the response of wasm-xds after 1.5 ms. In this " +
				"time wasm-xds reads, stores and verifies the module, notes the nodes that get it, and " +
				"sends it. Half of the difference does not count, because the rename itself lasts a " +
				"millisecond longer and holds a core that Envoy wants for its own file. With `remote`, " +
				"Envoy takes 1.0 ms to refuse the code and 0.9 ms to connect and fetch it. The second push " +
				"follows when Envoy has the code in its cache and closes its connection, and arrives 0.4 " +
				"ms later. Envoy loads the module of 400 B in eight to twelve milliseconds, so the " +
				"difference is a seventh, or a quarter with `remote`. For a real module, the difference is " +
				"lost in Envoy's compile time. The goals leave 0.4 ms for the module of 400 B, and 1.2 ms " +
				"with `remote`. This is less than the time to read, decode, hash, store and send it " +
				"without any note on disk, and less than Envoy's own two steps.",
			"Envoy, its compilers and the test's requests keep both cores busy from beginning to end, " +
				"so Envoy waits for each millisecond of CPU that wasm-xds uses. The same swap differs by a " +
				"tenth and more from one Envoy to the next, and so do the ratios from one run to the next.",
		},
	}
}

// pairs is the number of servers, each with an Envoy, per size. Samples differ more between
// processes than between swaps.
const pairs = 3

// samples are seconds, by the side's name.
type samples map[string][]float64

// takeTurns swaps modules on each side in turn and adds to the samples.
func takeTurns(t harness.TB, sides []*side, module func(stamp string) []byte, rounds int, all samples) error {
	runs := make([]func() error, len(sides))
	n := 0
	for i, one := range sides {
		runs[i] = func() error {
			n++
			took, err := one.swap(t.Context(), module, n)
			all[one.name] = append(all[one.name], took.Seconds())
			return err
		}
	}
	return report.Interleave(rounds, runs...)
}

func (s size) table(all samples) report.Table {
	table := report.Table{Title: fmt.Sprintf("Modules of %s (%d bytes)", s.title, len(s.module(stamp("x", 0))))}
	for _, delivery := range deliveries() {
		table.Rows = append(table.Rows, report.NewRow(figure(delivery), report.Seconds, all[delivery], all[filesystemSide]))
	}
	return table
}

// start starts an Envoy with a listener for each side, and the control plane.
func start(t harness.TB, s size) ([]*side, error) {
	dir := filepath.Join(t.TempDir(), "filters")
	if err := os.MkdirAll(filepath.Join(dir, "modules"), 0o755); err != nil {
		return nil, err
	}
	sides := []*side{filesystem(dir)}
	for _, delivery := range deliveries() {
		sides = append(sides, ours(dir, delivery))
	}
	var listeners []harness.HTTPListener
	for _, one := range sides {
		one.port = harness.FreePort(t)
		filter := harness.Filter{Name: one.name}
		if one.name == filesystemSide {
			filter.Path = responseFile(dir)
		}
		listeners = append(listeners, harness.HTTPListener{Name: one.name, Port: one.port, Filters: []harness.Filter{filter}})
		first, err := one.prepare(s.module(stamp(one.name, 0)), 0)
		if err != nil {
			return nil, err
		}
		if err := first.Rename(); err != nil {
			return nil, err
		}
	}
	suite.Serve(t, dir, listeners, "--preflight", "off")
	for _, one := range sides {
		if _, err := one.await(t.Context(), time.Now(), stamp(one.name, 0)); err != nil {
			return nil, err
		}
	}
	return sides, nil
}
