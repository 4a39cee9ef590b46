package server

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newRm() *cobra.Command {
	var dir string
	timeout := defaultWait
	c := &cobra.Command{
		Use:     "rm NAME",
		Aliases: []string{"undeploy"},
		Short:   "Take a spec out of the watched directory, and wait until its removal has reached the Envoys",
		Long: `Rm deletes the file of a spec from the directory that a running server on this machine
watches, and waits until the removal has reached every Envoy: they get what onRemove of
the spec says. A file with several specs, or with more than a filter, such as the configuration of an
Envoy, is left alone: delete the one document by hand. The module stays.`,
		Example:           `  wasm-xds rm auth`,
		Args:              command.Arguments(1, 1, "the name of a filter"),
		ValidArgsFunction: completeFilters,
	}
	connect.AddFlags(c)
	c.Flags().StringVar(&dir, "dir", "", "`directory` of specs (default that of the server)")
	c.Flags().DurationVar(&timeout, "timeout", timeout, "`time` to wait; 0: do not wait")
	command.Action(c.Flags(), "dir", "timeout")
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		server, place, err := serverAndDirectory(c, dir)
		if err != nil {
			return err
		}
		file, err := fileOf(c.Context(), place, args[0])
		if err != nil {
			return err
		}
		if err := os.Remove(file); err != nil {
			return err
		}
		fmt.Fprintf(c.ErrOrStderr(), "deleted %s\n", file)
		if timeout <= 0 {
			return nil
		}
		return waitUntilRemoved(c.Context(), look{server: server, name: args[0], json: *output == "json", out: c.OutOrStdout()}, timeout)
	}
	return c
}

// fileOf is the file with the only spec of a name.
func fileOf(ctx context.Context, dir, name string) (string, error) {
	docs := load.Paths(ctx, []string{dir}, nil)
	var found *spec.Spec
	var known []string
	for _, s := range docs.Specs {
		known = append(known, s.Name)
		if s.Name == name {
			found = s
		}
	}
	if found == nil {
		hint := ""
		if near := spec.Nearest(name, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		return "", command.Failure("no_spec", "no spec in "+dir+" has the name "+name, hint)
	}
	for _, s := range docs.Specs {
		if s.File == found.File && s.Name != name {
			return "", command.Failure("several_specs", found.File+" also has the spec "+s.Name, "delete the document of "+name+" by hand")
		}
	}
	for _, e := range docs.Errors {
		if e.Pos.File == found.File {
			return "", command.Failure("several_specs", found.File+" also has a document with an error: "+e.Message, "delete the document of "+name+" by hand")
		}
	}
	if found.Part {
		return "", command.Failure("several_specs", found.File+" describes more than the filter "+name, "take the filter out of the file by hand")
	}
	return found.File, nil
}

// waitUntilRemoved has the server read the specs, and waits until no Envoy is on its way to the
// stand-in of a removed filter.
func waitUntilRemoved(ctx context.Context, l look, timeout time.Duration) error {
	limit, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	last, err := l.follow(ctx, limit, timeout, func(*api.Sync) error { return nil }, func(v *view.View) (bool, error) {
		f := &v.Filters[0]
		return f.State == api.FilterRemoved && f.Envoys.Live == f.Envoys.Total, nil
	})
	if last != nil {
		l.print(last)
	}
	if err != nil && ctx.Err() == nil && limit.Err() != nil {
		return command.Failure("not_removed", fmt.Sprintf("the removal of %s has not reached every Envoy after %s", l.name, timeout),
			"a server whose last specs all go keeps them, until it starts with --allow-empty: see wasm-xds status")
	}
	return err
}
