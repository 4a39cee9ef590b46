// Command proof compares wasm-xds with a plain go-control-plane. Two real Envoys get the same
// fail-closed filter, the same edits and the same load. The plain control plane delivers the
// filter over ECDS with remote code. Command proof prints the results as a Markdown table.
//
// The exit code is 1 if wasm-xds let a single request bypass the filter or gave a wrong answer.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("proof", flag.ContinueOnError)
	flags.SetOutput(stderr)
	edits := flags.Int("edits", 20, "how often the filter's module changes")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var results []result
	for _, c := range contestants() {
		fmt.Fprintf(stderr, "%s: %d edits under load\n", c.name, *edits)
		ok := harness.Do(ctx, c.name, stderr, func(t harness.TB) { results = append(results, contest(t, c, *edits)) })
		if !ok {
			return 1
		}
	}
	fmt.Fprint(stdout, table(results))
	if last := results[len(results)-1]; last.Bypassed > 0 || last.Wrong > 0 {
		fmt.Fprintln(stderr, last)
		return 1
	}
	return 0
}
