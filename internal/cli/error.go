package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const codeUsage = "usage"

// errSilent ends a command with exitProblem, after the command has printed its problems.
var errSilent = errors.New("problems were found")

// failure is an error for people, with the next step in hint.
func failure(code, message, hint string) *spec.Error {
	return &spec.Error{Code: code, Message: message, Hint: hint}
}

func usage(c *cobra.Command, message string) *spec.Error {
	return failure(codeUsage, message, "see "+c.CommandPath()+" --help")
}

// report prints the error of a command, with its hint, and returns the exit code.
func report(stderr io.Writer, err error, asJSON bool) int {
	if err == nil {
		return exitOK
	}
	if errors.Is(err, errSilent) {
		return exitProblem
	}
	e := asError(err)
	if asJSON {
		printJSON(stderr, map[string]*api.Error{"error": e})
	} else {
		plain := *e
		plain.Hint = ""
		fmt.Fprintln(stderr, "wasm-xds:", plain.Error())
		if e.Hint != "" {
			fmt.Fprintln(stderr, "  hint:", e.Hint)
		}
	}
	if e.Code == codeUsage {
		return exitUsage
	}
	return exitProblem
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

// printJSON ignores an error of the writer: the reader has closed the output.
func printJSON(w io.Writer, value any) {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	_ = out.Encode(value)
}
