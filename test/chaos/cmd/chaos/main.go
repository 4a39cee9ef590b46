// Command chaos runs real Envoys under load while random operations happen to them and to the
// control plane, and compares what everybody says and does. It ends with a table, and with 1 if
// a request was lost or bypassed a filter, or if anybody disagreed.
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
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/test/chaos"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(stderr)
	duration := flags.Duration("duration", 0, "how long at least")
	steps := flags.Int("steps", 0, "how many operations at least")
	requests := flags.Int64("requests", 0, "how many requests at least")
	rate := flags.Int("rate", 2000, "requests a second of all Envoys together; 0: as many as they answer")
	seed := flags.Uint64("seed", 0, "of the operations; 0: a random one, which is printed")
	versions := flags.String("envoys", "1.40.0,1.39.3,1.37.0,1.36.4", "versions of Envoy, the newest first")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if *seed == 0 {
		*seed = rand.Uint64N(1_000_000_000)
	}
	if *duration == 0 && *steps == 0 && *requests == 0 {
		*duration = 10 * time.Minute
	}
	fmt.Fprintf(stderr, "seed %d\n", *seed)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var report *chaos.Report
	ok := harness.Do(ctx, "chaos", stderr, func(t harness.TB) {
		report = chaos.Run(t, chaos.Options{
			Seed: *seed, Versions: strings.Split(*versions, ","), Duration: *duration, Steps: *steps,
			Requests: *requests, Rate: *rate, Log: stderr, Binary: chaos.BuildServer(t, program.Repository()),
		})
	})
	if report == nil {
		return 1
	}
	fmt.Fprintln(stderr, report.Details())
	fmt.Fprint(stdout, report.Table())
	if !ok || !report.Good() {
		return 1
	}
	return 0
}
