// Bench measures wasm-xds and writes what it finds into docs/benchmarks.md, each
// benchmark into its own section.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/test/bench/fanout"
	"github.com/wasm-xds/wasm-xds/test/bench/hotload"
	"github.com/wasm-xds/wasm-xds/test/bench/many"
	"github.com/wasm-xds/wasm-xds/test/bench/modules"
	"github.com/wasm-xds/wasm-xds/test/bench/push"
	"github.com/wasm-xds/wasm-xds/test/bench/registries"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/soak"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// benchmarks are all of them, in the order in which they run.
func benchmarks(c []fanout.Case, soaking time.Duration) []suite.Benchmark {
	return []suite.Benchmark{
		hotload.Benchmark(),
		hotload.Preflight(),
		push.Benchmark(),
		fanout.Benchmark(c),
		many.Benchmark(),
		modules.Benchmark(),
		registries.Benchmark(),
		soak.Benchmark(soaking),
	}
}

// cases are the fan-out's sizes that were asked for: those that begin like `ads-delta/1000/10`, or
// else the one that it spells out.
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

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "the benchmarks to run, separated by commas; all where it is empty")
	quick := flags.Bool("quick", false, "small sizes, once: to see that it works; nothing is written unless -page says where")
	page := flags.String("page", "", "the page whose sections are replaced (default docs/benchmarks.md, and none with -quick or -case)")
	binary := flags.String("binary", "", "the wasm-xds to measure (default: built from this tree)")
	one := flags.String("case", "", "fanout: one size alone, `mode/Envoys/filters/boot` (or at-once), or the beginning of one of the page's")
	soaking := flags.Duration("soak", 10*time.Minute, "soak: how long")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *page == "" && !*quick && *one == "" {
		*page = "docs/benchmarks.md"
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o := suite.Options{Quick: *quick, Binary: *binary, Log: stderr}
	sizes, err := cases(*one, *quick)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	failed := false
	for _, b := range benchmarks(sizes, *soaking) {
		if named := strings.Contains(","+*only+",", ","+b.Name+","); !named && (*only != "" || b.OnlyNamed) {
			continue
		}
		if err := measure(ctx, b, o, *page, stdout); err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", b.Name, err)
			failed = true
		}
	}
	if failed {
		return 1
	}
	return 0
}

func measure(ctx context.Context, b suite.Benchmark, o suite.Options, page string, stdout io.Writer) error {
	var err error
	if o.Dir, err = os.MkdirTemp("", "wasm-xds-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(o.Dir)
	s, err := b.Run(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, s.Markdown())
	if page == "" {
		return nil
	}
	return report.Update(page, s)
}
