// Package adopting runs the command adopt: it reads an Envoy's configuration, plans the edits with
// internal/adopt, lets an Envoy check the result, writes the files, and prints the changes for
// requests.
//
// options.go has the settings, read.go reads, validate.go runs the Envoy, summary.go prints, and
// write.go writes. adopting.go puts them together.
package adopting

import (
	"context"
	"io"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
)

// Run adopts a configuration, and prints problems with their place.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) error {
	in, problem := read(o.Path)
	if problem != nil {
		return o.report(stderr, problem)
	}
	if p := checkOutput(o); p != nil {
		return p
	}
	o.Plan.Specs = specsIn(ctx, o.SpecsDir)
	plan, problem := adopt.Make(in, o.Plan)
	if problem != nil {
		return o.report(stderr, problem)
	}
	files, problem := prepareSpecs(plan, o.SpecsDir)
	if problem != nil {
		return o.report(stderr, problem)
	}
	s := newSummary(o, in, plan)
	if s.Validation, problem = validate(ctx, o, in, plan); problem != nil {
		return o.report(stderr, problem)
	}
	if o.writes() {
		if err := o.write(plan, files, &s); err != nil {
			return err
		}
	}
	o.print(plan, s, stdout, stderr)
	return nil
}

// print prints the summary on stdout. A result on stdout moves the summary to stderr.
func (o Options) print(plan *adopt.Plan, s summary, stdout, stderr io.Writer) {
	switch {
	case o.JSON:
		display.JSON(stdout, s)
	case o.Diff:
		s.print(stderr)
		_, _ = io.WriteString(stdout, plan.Diff)
	case o.Out != "" || o.InPlace:
		s.print(stdout)
	default:
		s.print(stderr)
		_, _ = stdout.Write(plan.Text)
	}
}
