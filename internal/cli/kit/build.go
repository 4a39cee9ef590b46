package kit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/kit/compiler"
	"github.com/wasm-xds/wasm-xds/internal/kit/project"
	"github.com/wasm-xds/wasm-xds/internal/module"
)

// buildOptions are the flags of build.
type buildOptions struct {
	keepNames, noCheck bool
	host               fetch.HostEnv
	output             *string
}

func newBuild() *cobra.Command {
	var o buildOptions
	c := &cobra.Command{
		Use:   "build [DIR]",
		Short: "Build the modules of a project, and test them",
		Long: `Build builds the modules that the specs in DIR name with module.file, and then runs the
sandbox and the specs' tests as check does. DIR is the working directory by default.

A spec with build: COMMAND has a command of its own, which writes module.file. For the other
modules, the files of DIR show the language, and its compiler runs:

  go.mod                         go, for wasip1
  Cargo.toml                     cargo, for wasm32-wasip1 or wasm32-unknown-unknown
  package.json, asconfig.json    the script "build", or else asc of AssemblyScript
  *.zig                          zig
  *.cc, *.cpp                    clang++ and wasm-ld

Modules lose the sections for debuggers and linkers, unless --keep-names is given. What the compilers
print passes through. After a failure, the module of the build before is still there. It exits
with 1 when a compiler, the sandbox or a test fails.`,
		Example: `  wasm-xds build
  wasm-xds build filters/auth -o json`,
		Args: command.Arguments(0, 1, "a directory"),
	}
	o.output = command.OutputFlag(c, "text", "json")
	c.Flags().BoolVar(&o.keepNames, "keep-names", false, "leave the sections for debuggers in the modules: Envoy's traces of traps then name functions")
	c.Flags().BoolVar(&o.noCheck, "no-check", false, "leave out the sandbox and the tests")
	o.host.AddFlags(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		dir := "."
		if len(args) > 0 {
			dir = args[0]
		}
		return o.run(c, dir)
	}
	return c
}

// built is a module in the JSON output.
type built struct {
	Specs  []string `json:"specs"`
	File   string   `json:"file"`
	Size   int      `json:"size"` // bytes
	SHA256 string   `json:"sha256"`
	Change string   `json:"change"`
	Took   float64  `json:"took"` // seconds
}

func (o *buildOptions) run(c *cobra.Command, dir string) error {
	ctx, stdout, stderr := c.Context(), c.OutOrStdout(), c.ErrOrStderr()
	asJSON := *o.output == "json"
	values, err := o.host.Values()
	if err != nil {
		return command.Usage(c, err.Error())
	}
	docs := load.Project(ctx, dir, project.Decode)
	if len(docs.Specs) == 0 && len(docs.Errors) > 0 {
		return trial.PrintProblems(stderr, docs.Errors, asJSON)
	}
	targets, err := project.Targets(dir, docs.Specs)
	if err != nil {
		return err
	}
	with := compiler.Compiler{Output: stderr, KeepNames: o.keepNames}
	all := []built{}
	for _, t := range targets {
		result, err := with.Build(ctx, t)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			return err
		}
		if !asJSON {
			printBuilt(stdout, result)
		}
		all = append(all, inJSON(result))
	}
	outcome := trial.Outcome{Errors: docs.Errors}
	if !o.noCheck {
		if outcome, err = try(ctx, docs, trial.Options{Mode: examine.Enforce, HostEnv: values}); err != nil {
			return err
		}
	}
	if asJSON {
		display.JSON(stdout, map[string]any{"ok": outcome.OK(), "modules": all, "check": trial.JSON(outcome)})
	} else if err := trial.Print(stdout, outcome, "text"); err != nil || o.noCheck {
		return err
	}
	if !outcome.OK() {
		return command.ErrReported
	}
	return nil
}

// try runs the sandbox and the tests of the specs.
func try(ctx context.Context, docs load.Documents, how trial.Options) (outcome trial.Outcome, err error) {
	err = load.WithStore(func(store *module.Store) error {
		good, err := docs.Resolve(ctx, store, fetch.Flags{})
		if err == nil {
			outcome, err = trial.Run(ctx, store, good, how)
		}
		return err
	})
	outcome.Errors = docs.Errors
	return outcome, err
}

func printBuilt(w io.Writer, r compiler.Result) {
	fmt.Fprintf(w, "built  %s in %s: %s, sha256 %s, %s\n", relative(r.Target.Output), r.Took.Round(time.Millisecond),
		display.Bytes(int64(r.Module.Size)), r.Module.SHA256, r.Change)
}

func inJSON(r compiler.Result) built {
	b := built{File: r.Target.Output, Size: r.Module.Size, SHA256: r.Module.SHA256, Change: r.Change, Took: r.Took.Seconds()}
	for _, s := range r.Target.Specs {
		b.Specs = append(b.Specs, s.Name)
	}
	return b
}

// relative is a path as seen from the working directory, if that is shorter.
func relative(path string) string {
	here, err := filepath.Abs(".")
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}
