// Package attack measures the edits of a healthy Envoy while an attacker is at the server's ports,
// and the server's memory afterwards.
package attack

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/bench/proc"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// kind is an attack.
type kind struct {
	title string   // in the names of the figures
	args  []string // of the attacker
}

// plan is the size of the benchmark.
type plan struct {
	kinds    []kind
	rounds   int           // with and without the attack, in turn
	edits    int           // in each half of a round
	patience time.Duration // for the memory to come back
	attacks  time.Duration // the longest time of an attack, which may not come to its end
}

func fullPlan() plan {
	return plan{
		kinds: []kind{
			{"slowloris on each port", []string{"-kind", "slowloris", "-n", "3000"}},
			{"rapid reset", []string{"-kind", "rapid-reset", "-n", "4"}},
			{"10,000 idle connections", []string{"-kind", "idle", "-n", "10000"}},
			{"nodes of 16 MB", []string{"-kind", "big-node", "-n", "40"}},
			{"a million names", []string{"-kind", "names", "-n", "4", "-most", "1000000"}},
			{"100,000 reconnects with new ids", []string{"-kind", "reconnects", "-n", "32", "-most", "33334"}},
			{"large requests, half sent", []string{"-kind", "half-sent", "-n", "1000"}},
		},
		rounds: 3, edits: 7, patience: 3 * time.Minute, attacks: 30 * time.Second,
	}
}

// quickPlan has one of the attacks, unless others are asked for.
func quickPlan(only string) plan {
	p := fullPlan()
	if only == "" {
		p.kinds = p.kinds[1:2]
	}
	p.rounds, p.edits, p.patience, p.attacks = 1, 4, 30*time.Second, 10*time.Second
	return p
}

// Benchmark measures a server under the attacks with that beginning of their titles.
func Benchmark(only string) suite.Benchmark {
	return suite.Benchmark{Name: "attack", Text: text, Run: func(ctx context.Context, o suite.Options) (report.Measured, error) {
		return run(ctx, o, only)
	}}
}

func run(ctx context.Context, o suite.Options, only string) (m report.Measured, err error) {
	p := fullPlan()
	if o.Quick {
		p = quickPlan(only)
	}
	attacker, err := o.Build(ctx, "test/bench/attacker")
	if err != nil {
		return m, err
	}
	binary, err := o.WasmXDS(ctx)
	if err != nil {
		return m, err
	}
	m.Facts = report.Facts{envoyFact: harness.DefaultVersion}
	for _, k := range p.kinds {
		if !strings.HasPrefix(k.title, only) {
			continue
		}
		o.Logf("attack: %s", k.title)
		err := o.Do(ctx, "attack", func(t harness.TB) error {
			table, err := p.measure(t, o, k, binary, attacker)
			m.Tables = append(m.Tables, table)
			return err
		})
		if err != nil {
			return m, fmt.Errorf("%s: %w", k.title, err)
		}
	}
	return m, nil
}

// measure plays an attack on a server of its own.
func (p plan) measure(t harness.TB, o suite.Options, k kind, binary, attacker string) (report.Table, error) {
	table := report.Table{Title: k.title}
	s, err := start(t, binary, o.Dir)
	if err != nil {
		return table, err
	}
	defer s.close()
	ctx := t.Context()
	before, err := s.warm(ctx, p.patience)
	if err != nil {
		return table, err
	}
	if err := proc.ResetPeak(s.server.PID()); err != nil {
		return table, err
	}
	var calm, attacked []float64
	edits := func(into *[]float64) error {
		for range p.edits {
			took, err := s.edit(ctx)
			if err != nil {
				return err
			}
			*into = append(*into, took.Seconds())
		}
		return nil
	}
	for range p.rounds {
		if err := edits(&calm); err != nil {
			return table, err
		}
		a, err := s.attack(ctx, attacker, k.args)
		if err != nil {
			return table, err
		}
		err = edits(&attacked)
		a.finish(ctx, p.attacks)
		seen, stopErr := a.stop()
		o.Logf("attack: %s: %s", k.title, seen)
		if err != nil || stopErr != nil {
			return table, fmt.Errorf("under attack: %w, %w", err, stopErr)
		}
	}
	peak, err := proc.PeakRSS(s.server.PID())
	if err != nil {
		return table, err
	}
	after, err := s.rested(ctx, before*1.1, p.patience)
	if err != nil {
		return table, err
	}
	table.Rows = []report.Row{
		report.NewRow(liveFigure, report.Seconds, attacked, calm),
		report.NewRow(memoryFigure, report.Bytes, []float64{after}, []float64{before}),
		report.NewRow(peakFigure, report.Bytes, []float64{peak}, []float64{before}),
	}
	return table, nil
}
