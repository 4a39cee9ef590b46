// Package adopting runs the command adopt: it reads an Envoy's configuration, plans the edits with
// internal/adopt, asks an Envoy what it thinks of the result, writes the files, and prints what
// changes for requests.
//
// read.go reads, validate.go runs the Envoy, write.go writes, and summary.go prints. adopting.go
// puts them together.
package adopting

import (
	"context"
	"io"

	"github.com/wasm-xds/wasm-xds/internal/adopt"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Options are the settings of a run.
type Options struct {
	Path string // of the configuration

	// One of these says where the result goes. Without them, the edited text is printed.
	Out     string
	InPlace bool
	Diff    bool // print a diff and write nothing
	JSON    bool // print the summary as JSON; without Out and InPlace nothing is written

	SpecsDir string
	Envoy    string // path of the binary; "": found as dev finds it
	Plan     adopt.Options
	// Prepare writes the files that the clusters need, as those of SDS. It may be nil.
	Prepare func() error
}

// Run adopts a configuration. Problems in it are printed with their place.
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
	s := newSummary(o, in, plan, files)
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

// writes says whether the run writes files.
func (o Options) writes() bool { return !o.Diff && (!o.JSON || o.Out != "" || o.InPlace) }

// report prints a problem with the line that has it.
func (o Options) report(stderr io.Writer, p *spec.Error) error {
	if o.JSON || p.Pos.Line == 0 {
		return p
	}
	display.Problem(stderr, &display.SourceLines{}, p)
	return command.ErrReported
}

// print prints the result on stdout, and the summary beside it.
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
