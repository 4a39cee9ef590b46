package server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// checkServe prints the problems of a configuration: those of the values, of the files for the
// server's start, and of the specs. problems are those of the values.
func checkServe(c *cobra.Command, cfg serve.Config, problems []error) error {
	if len(problems) == 0 { // wrong values would be problems of the files, too
		for _, err := range serve.Check(cfg) {
			problems = append(problems, each(err)...)
		}
	}
	specs, err := readSpecs(c, cfg)
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	for _, err := range problems {
		printProblem(w, problemOf(err))
	}
	for _, e := range specs.Errors {
		printProblem(w, e)
	}
	if n := len(problems) + len(specs.Errors); n > 0 {
		fmt.Fprintf(w, "%s\n", display.Plural(n, "problem"))
		return command.ErrReported
	}
	fmt.Fprintf(w, "the configuration is good; %s in %s\n", display.Plural(len(specs.Specs), "spec"), place(cfg))
	return nil
}

// readSpecs reads the specs of the directory. The directory need not exist yet, and "" means none.
func readSpecs(c *cobra.Command, cfg serve.Config) (load.Documents, error) {
	if _, err := os.Stat(cfg.Dir); cfg.Dir == "" || errors.Is(err, fs.ErrNotExist) {
		return load.Documents{}, nil
	}
	specs := load.Paths(c.Context(), []string{cfg.Dir}, cfg.FilesRoots)
	for _, s := range specs.Specs {
		if problem := module.CheckBounds(s); problem != nil {
			specs.Errors = append(specs.Errors, problem)
		}
	}
	specs.SortErrors()
	return specs, c.Context().Err()
}

// place names the sources. The bundles are not read: the registry may be away.
func place(cfg serve.Config) string {
	switch {
	case cfg.Dir == "":
		return "no directory; the bundles are read by the server alone"
	case len(cfg.Bundles)+len(cfg.EtcdBundles) > 0:
		return cfg.Dir + "; the bundles are read by the server alone"
	default:
		return cfg.Dir
	}
}

// printProblem prints a problem without the line of the file. The output goes to systemd's journal,
// and a line may have a secret in it.
func printProblem(w io.Writer, e *spec.Error) {
	plain := *e
	plain.Hint = ""
	fmt.Fprintln(w, plain.Error())
	if e.Hint != "" {
		fmt.Fprintln(w, "  hint:", e.Hint)
	}
}

func problemOf(err error) *spec.Error {
	var worded *spec.Error
	if errors.As(err, &worded) {
		return worded
	}
	return &spec.Error{Message: err.Error()}
}

// each returns the errors inside an error of [errors.Join].
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, each(one)...)
	}
	return all
}
