// Package fanout measures the cost of an edit for thousands of Envoys, beside a plain
// go-control-plane server with the same resources.
package fanout

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/proc"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
	"github.com/wasm-xds/wasm-xds/test/simenvoy"
)

// Benchmark measures the cases.
func Benchmark(cases []Case) suite.Benchmark {
	return suite.Benchmark{Name: "fanout", Text: text, Run: func(ctx context.Context, o suite.Options) (m report.Measured, err error) {
		b, err := prepare(ctx, o)
		if err != nil {
			return m, err
		}
		for _, c := range cases {
			table, err := b.run(ctx, c)
			if err != nil {
				return m, fmt.Errorf("%d Envoys, %s, %d filters: %w", c.Clients, c.Mode, c.Filters, err)
			}
			m.Tables = append(m.Tables, table)
		}
		return m, nil
	}}
}

type bench struct {
	suite.Options
	binary, plain, module string
}

func prepare(ctx context.Context, o suite.Options) (*bench, error) {
	b := &bench{Options: o, module: filepath.Join(o.Dir, "filter.wasm")}
	var err error
	if b.binary, err = o.WasmXDS(ctx); err != nil {
		return nil, err
	}
	if b.plain, err = o.Build(ctx, "test/bench/plainserver"); err != nil {
		return nil, err
	}
	return b, os.WriteFile(b.module, testfilter.HTTP{Stamp: "bench"}.Module(), 0o600)
}

func (b *bench) run(ctx context.Context, c Case) (report.Table, error) {
	var us, them samples
	for i := range c.Repeats {
		b.Logf("fanout: %d Envoys, %s, %d filters: run %d of %d", c.Clients, c.Mode, c.Filters, i+1, c.Repeats)
		if err := b.once(ctx, c, i, &us, &them); err != nil {
			return report.Table{}, err
		}
	}
	t := table(c, us, them)
	b.Logf("%s", report.Section{Text: report.Text{Reference: "plain"}, Measured: report.Measured{Tables: []report.Table{t}}}.Figures())
	return t, nil
}

// once starts both servers, connects the Envoys, and edits a filter repeatedly.
func (b *bench) once(ctx context.Context, c Case, run int, us, them *samples) (err error) {
	dir, err := os.MkdirTemp(b.Dir, "fanout")
	if err != nil {
		return err
	}
	var filters []string
	for i := range c.Filters {
		filters = append(filters, fmt.Sprintf("filter-%03d", i))
	}
	names := simenvoy.NewNames(filters...)
	const first = "generation-first"
	o, err := startOurs(b.binary, dir, b.module, filters, first)
	if err != nil {
		return err
	}
	p, err := startPlain(b.plain, b.module, filters, first)
	if err != nil {
		return errors.Join(err, o.stop())
	}
	sides := []*side{{target: o, clients: c.Clients}, {target: p, clients: c.Clients}}
	into := []*samples{us, them}
	defer func() {
		for _, s := range sides {
			err = errors.Join(err, s.close())
		}
	}()
	both := func(do func(*side, *samples) error) error {
		return report.Interleave(1,
			func() error { i := run % 2; return do(sides[i], into[i]) },
			func() error { i := (run + 1) % 2; return do(sides[i], into[i]) })
	}
	if err := both(func(s *side, m *samples) error { return m.connect(ctx, s, c, names, first) }); err != nil {
		return err
	}
	for i := range c.Edits {
		for _, canary := range []bool{false, true} {
			marker := fmt.Sprintf("generation-%d-%v", i, canary)
			if err := both(func(s *side, m *samples) error { return m.edit(ctx, s, filters[c.Filters/2], marker, canary) }); err != nil {
				return err
			}
		}
	}
	return both(func(s *side, m *samples) error { return m.goroutine(s) })
}

func (m *samples) connect(ctx context.Context, s *side, c Case, names *simenvoy.Names, marker string) error {
	if _, err := s.idle(ctx); err != nil {
		return err
	}
	before, err := proc.RSS(s.pid())
	if err != nil {
		return err
	}
	spent, err := s.connect(ctx, c, names, marker)
	if err != nil {
		return err
	}
	after, err := proc.RSS(s.pid())
	if err != nil {
		return err
	}
	n := float64(c.Clients)
	m.connectWall = append(m.connectWall, spent.wall.Seconds())
	m.connectCPU = append(m.connectCPU, spent.cpu.Seconds()/n)
	m.connectIn = append(m.connectIn, float64(spent.bytesIn)/n)
	m.rss = append(m.rss, (after-before)/n)
	return nil
}

func (m *samples) edit(ctx context.Context, s *side, filter, marker string, canary bool) error {
	spent, err := s.measure(ctx, newGoal(marker, s.clients), func() error { return s.target.edit(filter, marker, canary) })
	if err != nil {
		return err
	}
	e, n := &m.off, float64(s.clients)
	if canary {
		e = &m.on
	}
	e.wall = append(e.wall, spent.wall.Seconds())
	e.cpu = append(e.cpu, spent.cpu.Seconds()/n)
	e.in = append(e.in, float64(spent.bytesIn)/n)
	e.out = append(e.out, float64(spent.out)/n)
	return nil
}

func (m *samples) goroutine(s *side) error {
	all, err := s.goroutines()
	m.goroutines = append(m.goroutines, all/float64(s.clients))
	return err
}
