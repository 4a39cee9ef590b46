package trial

import (
	"io"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Print prints an outcome as text, json or junit.
func Print(w io.Writer, r Outcome, format string) error {
	switch format {
	case "json":
		display.JSON(w, resultOf(r))
	case "junit":
		return runner.WriteJUnit(w, suitesOf(r))
	default:
		printText(w, r)
	}
	return nil
}

// PrintProblems prints the problems of specs. It returns [command.ErrReported] if there are any.
func PrintProblems(stderr io.Writer, problems []*spec.Error, asJSON bool) error {
	if len(problems) == 0 {
		return nil
	}
	if asJSON {
		display.JSON(stderr, resultOf(Outcome{Errors: problems}))
		return command.ErrReported
	}
	var lines display.SourceLines
	for _, e := range problems {
		display.Problem(stderr, &lines, e)
	}
	return command.ErrReported
}
