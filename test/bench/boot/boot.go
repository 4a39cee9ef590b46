// Package boot measures the memory of a server while a fleet boots with many large filters. No
// Envoy has loaded the filters before, so each filter has a canary, and the server sends all
// canaries a whole module at once.
package boot

import (
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

const moduleSize = 10_000_000

// limit is the longest allowed time for the boot of a fleet.
const limit = 5 * time.Minute

// The facts of a run.
const filtersFact = "filters"

// The figures.
const peak, everybody = "peak of the memory (RSS)", "all have their filter"

// Benchmark measures a server with the default build bound and a server without a bound.
func Benchmark() suite.Benchmark {
	return suite.Benchmark{Name: "boot", Text: text, Run: func(ctx context.Context, o suite.Options) (report.Measured, error) {
		if o.Quick {
			return run(ctx, o, 10, 1)
		}
		return run(ctx, o, 100, 5)
	}}
}

func text(facts report.Facts) report.Text {
	return report.Text{
		Title: "A fleet boots over large filters", Reference: "no bound",
		Headlines: []report.Headline{{Figures: []string{peak}, Goal: report.Goal{Most: 0.75}}},
		Before: []string{
			fmt.Sprintf("%s simulated Envoys connect at once. Each asks for another filter, with a module of %d MB "+
				"that no Envoy has loaded yet (ADS, delta; `delivery: inline`; `--preflight off`). "+
				"wasm-xds has the default of `--max-build-memory`. The reference is a server with a value "+
				"so large that no build waits. The peak covers the time from the first connection to the "+
				"last ACK. Both take turns. `go run -C test ./bench/cmd/bench -only boot`.", facts[filtersFact], moduleSize/1_000_000),
		},
		After: []string{
			"A build has three copies of the module in memory: as read, packed, and in the resource. " +
				"Only the resource stays. The cache keeps 256 MiB of resources, and a resource on its way " +
				"to an Envoy stays in memory until the Envoy has read it, so that a slow Envoy does not " +
				"delay the builds for others. Go's collector runs when the heap has doubled. Fewer builds " +
				"at a time also finish sooner, because they do not compete for cores and memory.",
		},
	}
}

// side is a server with one bound.
type side struct {
	name   string
	flags  []string
	peaks  []float64
	booted []float64
}

func run(ctx context.Context, o suite.Options, filters, rounds int) (m report.Measured, err error) {
	m.Facts = report.Facts{filtersFact: fmt.Sprint(filters)}
	binary, err := o.WasmXDS(ctx)
	if err != nil {
		return m, err
	}
	dir, err := os.MkdirTemp(o.Dir, "boot")
	if err != nil {
		return m, err
	}
	specs := filepath.Join(dir, "filters")
	if err := write(specs, filters); err != nil {
		return m, err
	}
	bounded, unbounded := &side{name: "bounded"}, &side{name: "unbounded", flags: []string{"--max-build-memory", "1000GiB"}}
	boot := func(s *side) func() error {
		return func() error {
			o.Logf("boot: %s, run %d of %d", s.name, len(s.peaks)+1, rounds)
			return s.boot(ctx, binary, specs, filepath.Join(dir, s.name), filters)
		}
	}
	if err := report.Interleave(rounds, boot(bounded), boot(unbounded)); err != nil {
		return m, err
	}
	m.Tables = []report.Table{{Rows: []report.Row{
		report.NewRow(peak, report.Bytes, bounded.peaks, unbounded.peaks),
		report.NewRow(everybody, report.Seconds, bounded.booted, unbounded.booted),
	}}}
	return m, nil
}

func name(i int) string { return fmt.Sprintf("filter-%03d", i) }

// write creates a directory of specs with a module each.
func write(dir string, filters int) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for i := range filters {
		module := testfilter.HTTP{Stamp: fmt.Sprintf("%06d", i), Code: moduleSize}.Module()
		spec := fmt.Sprintf("module: {file: ./%s.wasm}\ndelivery: inline\n", name(i))
		if err := errors.Join(
			os.WriteFile(filepath.Join(dir, name(i)+".wasm"), module, 0o644),
			os.WriteFile(filepath.Join(dir, name(i)+".yaml"), []byte(spec), 0o644),
		); err != nil {
			return err
		}
	}
	return nil
}

// boot starts a server without a state and then a fleet.
func (s *side) boot(ctx context.Context, binary, specs, dir string, filters int) (err error) {
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)); err != nil {
		return err
	}
	server, err := suite.StartServer(binary, specs, filepath.Join(dir, "state"), filepath.Join(dir, "wasm-xds.log"),
		append([]string{"--preflight", "off"}, s.flags...)...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop(), os.RemoveAll(dir)) }()
	// When the server is idle, all modules are read and stored.
	if err := errors.Join(server.Idle(ctx), proc.ResetPeak(server.PID())); err != nil {
		return err
	}
	var waiting sync.WaitGroup
	waiting.Add(filters)
	begin := time.Now()
	fleet, err := simenvoy.StartFleet(ctx, filters, func(i int) simenvoy.Config {
		once := sync.OnceFunc(waiting.Done)
		return simenvoy.Config{
			Address: server.XDS, Node: simenvoy.NewNode(fmt.Sprintf("edge-%d", i), "edge"), Names: simenvoy.NewNames(name(i)),
			Updated: func(u simenvoy.Update) {
				if len(u.Resource) > moduleSize { // not a stand-in
					once()
				}
			},
		}
	})
	if err != nil {
		return err
	}
	defer fleet.Close()
	all := make(chan struct{})
	go func() { waiting.Wait(); close(all) }()
	select {
	case <-all:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(limit):
		return fmt.Errorf("after %v not every Envoy has its filter", limit)
	}
	s.booted = append(s.booted, time.Since(begin).Seconds())
	most, err := proc.PeakRSS(server.PID())
	s.peaks = append(s.peaks, most)
	return err
}
