// Command chaos runs real Envoys under load while random operations happen to the Envoys and to the
// control plane, and compares all answers. It prints a table. The exit status is 1 if a request was
// lost or bypassed a filter, or if two answers disagreed.
//
// With -planted, it builds servers with one bug each. The exit status is then 1 unless the runs
// find every bug.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/chaos"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the flags.
type options struct {
	chaos.Options
	planted        string
	page           string
	stdout, stderr io.Writer
}

func parse(args []string, stdout, stderr io.Writer) (o options, err error) {
	o.stdout, o.stderr, o.Log = stdout, stderr, stderr
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&o.Duration, "duration", 0, "how long at least (default 10m0s, where neither -steps nor -requests is set)")
	flags.IntVar(&o.Steps, "steps", 0, "how many operations at least")
	flags.Int64Var(&o.Requests, "requests", 0, "how many requests at least")
	flags.IntVar(&o.Rate, "rate", 2000, "requests a second of all Envoys together; 0: as many as they answer")
	flags.Uint64Var(&o.Seed, "seed", 0, "of the operations; 0: a random one, which is printed")
	flags.StringVar(&o.planted, "planted", "", "plant bugs into the server, one after the other, and find them: a name, or all")
	flags.StringVar(&o.page, "page", "", "a Markdown file in which the table takes the place of what stands between <!-- chaos --> and <!-- /chaos -->, or with -planted between <!-- planted --> and <!-- /planted -->")
	versions := flags.String("envoys", "1.40.0,1.39.3,1.37.0,1.36.4", "versions of Envoy, the newest first")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64N(1_000_000_000)
	}
	if o.Duration == 0 && o.Steps == 0 && o.Requests == 0 {
		o.Duration = 10 * time.Minute
	}
	o.Versions = strings.Split(*versions, ",")
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stdout, stderr)
	if err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.planted != "" {
		return o.findAll(ctx)
	}
	fmt.Fprintf(stderr, "seed %d\n", o.Seed)
	report, ok := o.once(ctx, chaos.Bug{})
	if report == nil {
		return 1
	}
	fmt.Fprintln(stderr, report.Details())
	if !o.show("chaos", report.Table()) || !ok || !report.Good() {
		return 1
	}
	return 0
}

// show prints a table, and writes it into the page if a page is given.
func (o options) show(mark, table string) bool {
	fmt.Fprint(o.stdout, table)
	if o.page == "" {
		return true
	}
	if err := chaos.WriteTable(o.page, mark, table); err != nil {
		fmt.Fprintln(o.stderr, err)
		return false
	}
	return true
}

func (o options) once(ctx context.Context, bug chaos.Bug) (report *chaos.Report, ok bool) {
	ok = harness.Do(ctx, "chaos", o.stderr, func(t harness.TB) {
		o.Binary = chaos.BuildServer(t, bug)
		report = chaos.Run(t, o.Options)
	})
	return report, ok
}

// findAll runs each planted bug until a run finds a fault.
func (o options) findAll(ctx context.Context) int {
	found := true
	table := "| planted bug | seed | operations until it was found | what gave it away |\n|---|--:|--:|---|\n"
	for _, bug := range chaos.Planted() {
		if o.planted != "all" && o.planted != bug.Name {
			continue
		}
		fmt.Fprintf(o.stderr, "seed %d, %s: %s\n", o.Seed, bug.Name, bug.What)
		o.First, o.Stuck = true, time.Minute
		report, _ := o.once(ctx, bug)
		if report == nil {
			return 1 // the run did not begin, and has printed the reason
		}
		if report.Good() {
			found = false
			table += fmt.Sprintf("| %s: %s | %d | **not found** | |\n", bug.Name, bug.What, o.Seed)
			continue
		}
		fmt.Fprintln(o.stderr, report.Details())
		table += fmt.Sprintf("| %s: %s | %d | %d | %s |\n", bug.Name, bug.What, o.Seed, report.Operations, report.First())
	}
	if !o.show("planted", table) || !found {
		return 1
	}
	return 0
}
