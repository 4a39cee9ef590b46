package envoy

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/eject"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/translate"
)

func newEject() *cobra.Command {
	var o ejectOptions
	c := &cobra.Command{
		Use:   "eject DIR",
		Short: "Write files from which an Envoy runs the filters without wasm-xds",
		Long: `Eject writes the filters that a server serves now into DIR: a bootstrap, a file for each filter,
which Envoy reads in place of the answers of a control plane, and the modules. An Envoy
with this bootstrap runs the same revisions, and needs no control plane. Envoy
watches the files, and loads a filter again when a rename replaces its file.

The revisions come from the state directory, because the API never shows a
configuration. Eject only reads the state, whether the server runs or not. It compares
the state with the answer of the server at --admin-address, unless only --state-dir is
given. Where a rollout is under way, eject takes the stable revision.

With --from, the filters come from specs instead, and no server and no state is needed.
Eject then tries them in the sandbox first, as check does.

Standard error lists everything that the files cannot do: rollouts, the selection of Envoys by
nodes, and filters without a revision. Files are for the user of eject alone (0600), as
configurations have secrets. Eject overwrites nothing without --force.`,
		Example: `  wasm-xds eject /etc/envoy/ejected
  wasm-xds eject ejected --from filters/ --listen-address 0.0.0.0:8080
  wasm-xds eject ejected --dir-in-envoy /etc/envoy/ejected`,
		Args: command.Arguments(1, 1, "a directory"),
	}
	f := c.Flags()
	f.StringArrayVar(&o.from, "from", nil, "`path` of a spec file or a directory, or a bundle, several times for several (default the state of the server)")
	command.Action(f, "from")
	f.StringVar(&o.stateDir, "state-dir", "", "`directory` of the server's state, as serve has it (default $XDG_STATE_HOME/wasm-xds or ~/.local/state/wasm-xds)")
	f.StringVar(&o.keyFile, "state-key-file", "", "`file` with the keys of a sealed state, as serve has it")
	f.StringVar(&o.dirInEnvoy, "dir-in-envoy", "", "`path` of DIR as Envoy sees it, absolute (default the path on this machine)")
	f.StringVar(&o.version, "envoy-version", "", "`version` of the Envoy that reads the files (default any)")
	f.BoolVar(&o.force, "force", false, "replace the files of an earlier eject in DIR")
	command.Action(f, "force")
	addEnvoyFlags(f, &o.envoy)
	o.sources.AddFlags(f)
	o.sources.Roots.AddFlags(f)
	o.host.AddFlags(f)
	connect.AddFlags(c)
	o.output = command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error { return o.run(c, args[0]) }
	return c
}

// target checks the flags, and returns the target of the files.
func (o *ejectOptions) target(c *cobra.Command, dir string) (eject.Target, error) {
	to := eject.Target{Bootstrap: o.envoy}
	if given := c.Flags().Changed; len(o.from) > 0 && (given("state-dir") || given("state-key-file")) {
		return to, command.Usage(c, "--from and --state-dir exclude each other: specs need no state")
	}
	if o.version != "" {
		var ok bool
		if to.Version, ok = translate.ParseVersion(o.version); !ok {
			return to, command.Usage(c, fmt.Sprintf("invalid --envoy-version %q: it is like 1.40.0", o.version))
		}
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return to, err
	}
	if to.Dir = absolute; o.dirInEnvoy != "" {
		to.Dir = o.dirInEnvoy
	}
	if !filepath.IsAbs(to.Dir) {
		return to, command.Usage(c, fmt.Sprintf("invalid --dir-in-envoy %q: it must be absolute", to.Dir))
	}
	return to, o.sources.Trust.Validate()
}

func (o *ejectOptions) run(c *cobra.Command, dir string) error {
	to, err := o.target(c, dir)
	if err != nil {
		return err
	}
	if err := checkDirectory(dir, o.force); err != nil {
		return err
	}
	var plan eject.Plan
	var modules map[string][]byte
	if len(o.from) > 0 {
		plan, modules, err = o.ofSpecs(c)
	} else {
		plan, modules, err = o.ofState(c)
	}
	if err != nil {
		return err
	}
	files, err := plan.Filters(to)
	if err != nil {
		return err
	}
	start, err := plan.Bootstrap(to)
	switch {
	case errors.Is(err, eject.ErrNothing):
		o.printNotes(c, plan)
		return command.Failure("no_filters", "there is no filter to eject", "look at wasm-xds status, or name specs with --from")
	case err != nil:
		return command.Failure(command.CodeUsage, err.Error(), "see "+c.CommandPath()+" --help")
	}
	if err := writeEjected(dir, modules, append(files, start)); err != nil {
		return err
	}
	o.print(c, dir, to, plan)
	return nil
}

// ejected is a filter in the JSON output.
type ejected struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Revision string `json:"revision"`
	File     string `json:"file"`   // relative to the directory
	Module   string `json:"module"` // likewise
	StandIn  bool   `json:"standIn"`
}

func (o *ejectOptions) print(c *cobra.Command, dir string, to eject.Target, plan eject.Plan) {
	run := "envoy -c " + filepath.Join(to.Dir, eject.BootstrapFile)
	next := []string{
		"give the directory to the user that runs Envoy (chown -R), and check it with " + run + " --mode validate",
		"run " + run + ", or use the filters of " + eject.BootstrapFile + " in a bootstrap of your own",
		"stop wasm-xds serve once wasm-xds status shows no Envoy",
	}
	all := make([]ejected, 0, len(plan.Revisions))
	for _, r := range plan.Revisions {
		all = append(all, ejected{r.Filter, string(r.Type), r.ID, eject.PathOf(r), eject.ModulePath(r.Module.SHA256), r.BuiltIn})
	}
	if *o.output == "json" {
		display.JSON(c.OutOrStdout(), map[string]any{
			"directory": dir, "bootstrap": filepath.Join(dir, eject.BootstrapFile), "filters": all,
			"leftOut": append([]eject.Note{}, plan.Notes...), "next": next,
		})
		return
	}
	table := display.Table(c.OutOrStdout())
	for _, f := range all {
		kind := f.Type
		if f.StandIn {
			kind += ", denies"
		}
		fmt.Fprintf(table, "%s\t%s\trevision %s\t%s\n", terminal.Printable(f.Name), kind, f.Revision, filepath.Join(dir, filepath.FromSlash(f.File)))
	}
	_ = table.Flush() // a closed output is not reported
	o.printNotes(c, plan)
	fmt.Fprintln(c.ErrOrStderr(), "next:\n  "+strings.Join(next, "\n  "))
}

// printNotes prints the notes, those of a filter together.
func (o *ejectOptions) printNotes(c *cobra.Command, plan eject.Plan) {
	notes := slices.Clone(plan.Notes)
	slices.SortStableFunc(notes, func(a, b eject.Note) int { return strings.Compare(a.Filter, b.Filter) })
	for _, n := range notes {
		fmt.Fprintf(c.ErrOrStderr(), "note: %s: %s\n", terminal.Printable(n.Filter), terminal.Printable(n.Message))
	}
}
