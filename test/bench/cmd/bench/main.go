// Bench measures wasm-xds and writes the results into docs/benchmarks.json. Each benchmark
// replaces its previous results. Then bench renders docs/benchmarks.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/test/bench/boot"
	"github.com/wasm-xds/wasm-xds/test/bench/fanout"
	"github.com/wasm-xds/wasm-xds/test/bench/health"
	"github.com/wasm-xds/wasm-xds/test/bench/hotload"
	"github.com/wasm-xds/wasm-xds/test/bench/innerloop"
	"github.com/wasm-xds/wasm-xds/test/bench/many"
	"github.com/wasm-xds/wasm-xds/test/bench/modules"
	"github.com/wasm-xds/wasm-xds/test/bench/push"
	"github.com/wasm-xds/wasm-xds/test/bench/registries"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/soak"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// defaultPage is the page in this repository, whatever the working directory.
var defaultPage = filepath.Join(program.Repository(), "docs", "benchmarks.md")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// benchmarks returns all benchmarks in the order of the runs and of the page.
func benchmarks(c []fanout.Case, soaking time.Duration) []suite.Benchmark {
	return []suite.Benchmark{
		hotload.Benchmark(),
		hotload.Preflight(),
		hotload.Latency(),
		push.Benchmark(),
		fanout.Benchmark(c),
		many.Benchmark(),
		boot.Benchmark(),
		modules.Benchmark(),
		registries.Benchmark(),
		health.Benchmark(),
		innerloop.Benchmark(),
		soak.Benchmark(soaking),
	}
}

// cases returns the requested sizes of the fan-out: those with a prefix like `ads-delta/1000/10`,
// or else the size spelt out in asked.
func cases(asked string, quick bool) ([]fanout.Case, error) {
	var some []fanout.Case
	for _, one := range fanout.Cases(quick) {
		if asked == "" || strings.HasPrefix(one.String()+"/", asked+"/") {
			some = append(some, one)
		}
	}
	if len(some) > 0 {
		return some, nil
	}
	one, err := fanout.ParseCase(asked)
	return []fanout.Case{one}, err
}

// options are the options of the command line.
type options struct {
	only           string
	page           string
	quick, render  bool
	binary, size   string
	note           string
	soaking        time.Duration
	stdout, stderr io.Writer
}

func parse(args []string, stdout, stderr io.Writer) (options, error) {
	o := options{stdout: stdout, stderr: stderr}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.only, "only", "", "the benchmarks to run, separated by commas; all where it is empty")
	flags.BoolVar(&o.quick, "quick", false, "small sizes, once: to see that it works; nothing is written unless -page says where")
	flags.StringVar(&o.page, "page", "", "the page, beside which lie its figures, as .json (default docs/benchmarks.md of the repository, and none with -quick or -case)")
	flags.BoolVar(&o.render, "render", false, "measure nothing: render the page from its figures")
	flags.StringVar(&o.binary, "binary", "", "the wasm-xds to measure (default: built from this tree)")
	flags.StringVar(&o.size, "case", "", "fanout: one size alone, `mode/Envoys/filters/boot` (or at-once), or the beginning of one of the page's")
	flags.StringVar(&o.note, "note", "", "what the page is to say of this run beside its figures, such as what else the machine did")
	flags.DurationVar(&o.soaking, "soak", 10*time.Minute, "soak: how long")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.page == "" && (o.render || !o.quick && o.size == "") {
		o.page = defaultPage
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout, stderr)
	if err != nil {
		return 2
	}
	sizes, err := cases(o.size, o.quick)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	all := benchmarks(sizes, o.soaking)
	if o.render {
		err = write(o.page, all, nil)
	} else {
		err = measureAll(ctx, o, all)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// measureAll runs the benchmarks in turn and prints each section, and at the end the summary.
// After a failure the next benchmark still runs.
func measureAll(ctx context.Context, o options, all []suite.Benchmark) error {
	var errs []error
	done := report.Data{}
	for _, b := range all {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+b.Name+",") {
			continue
		}
		m, err := measure(ctx, b, suite.Options{Quick: o.quick, Binary: o.binary, Log: o.stderr})
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", b.Name, err))
			continue
		}
		m.Note = o.note
		done[b.Name] = m
		fmt.Fprintln(o.stdout, report.Section{Text: b.Text(m.Facts), Measured: m}.Markdown())
		if o.page != "" {
			errs = append(errs, write(o.page, all, report.Data{b.Name: m}))
		}
	}
	if len(done) > 0 {
		fmt.Fprintln(o.stdout, report.Summary(sections(all, done)))
	}
	return errors.Join(errs...)
}

func measure(ctx context.Context, b suite.Benchmark, o suite.Options) (report.Measured, error) {
	var err error
	if o.Dir, err = os.MkdirTemp("", "wasm-xds-bench-"); err != nil {
		return report.Measured{}, err
	}
	defer os.RemoveAll(o.Dir)
	here := report.Here() // the commit at the start of the run
	m, err := b.Run(ctx, o)
	m.Origin = here
	return m, err
}
