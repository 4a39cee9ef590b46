// Package command has the parts of every command: flags, arguments, the environment, errors and
// exit codes.
//
//   - error.go: an error with the next step for the user ([Failure], [Usage]), and how a command
//     ends ([Report]).
//   - args.go, flags.go: the number of arguments, and kinds of flags with their completions.
//   - bytesize.go, filemode.go, address.go: kinds of values.
//   - env.go: each flag has an environment variable, unless the flag is an [Action].
package command

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The exit codes.
const (
	ExitOK      = 0
	ExitProblem = 1 // a problem in the input, or a failure
	ExitUsage   = 2 // a wrong command line or environment
)

// CodeUsage is the code of errors of the command line. They end the program with [ExitUsage].
const CodeUsage = "usage"

// ErrReported ends a command with [ExitProblem], after the command has printed its problems.
var ErrReported = errors.New("problems were found")

// Failure is an error for people, with the next step in hint; "" means no hint.
func Failure(code, message, hint string) *spec.Error {
	return &spec.Error{Code: code, Message: message, Hint: hint}
}

// Usage is an error of the command line.
func Usage(c *cobra.Command, message string) *spec.Error {
	return Failure(CodeUsage, message, "see "+c.CommandPath()+" --help")
}

// Report prints the error of a command, with its hint, and returns the exit code. nil is success.
func Report(stderr io.Writer, err error, asJSON bool) int {
	if err == nil {
		return ExitOK
	}
	if errors.Is(err, ErrReported) {
		return ExitProblem
	}
	e := asError(err)
	if asJSON {
		display.JSON(stderr, map[string]*api.Error{"error": e})
	} else {
		plain := *e
		plain.Hint = ""
		fmt.Fprintln(stderr, "wasm-xds:", plain.Error())
		if e.Hint != "" {
			fmt.Fprintln(stderr, "  hint:", e.Hint)
		}
	}
	if e.Code == CodeUsage {
		return ExitUsage
	}
	return ExitProblem
}

func asError(err error) *api.Error {
	var ofSpec *spec.Error
	var ofServer *api.Error
	switch {
	case errors.As(err, &ofServer):
		return ofServer
	case errors.As(err, &ofSpec):
		return api.FromSpec(ofSpec)
	default:
		return &api.Error{Code: "failed", Message: err.Error()}
	}
}
