package server

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
)

func newContext() *cobra.Command {
	c := &cobra.Command{
		Use:   "context COMMAND",
		Short: "Keep the addresses of servers, with their certificates and tokens, under names",
		Long: `A context is a server with a name. Commands without --context and --admin-address ask the
server of the current context. The contexts are in $XDG_CONFIG_HOME/wasm-xds/contexts.yaml,
or below ~/.config. They have the paths of files, and no token itself.`,
		Example: `  wasm-xds context add prod https://control.example:18002 --token-file ~/prod.token`,
		Args:    command.NoSuchCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newContextAdd(), newContextUse(), newContextList(), newContextRemove())
	return c
}

func newContextAdd() *cobra.Command {
	var to connect.Context
	c := &cobra.Command{
		Use:   "add NAME ADDRESS",
		Short: "Add a server",
		Long: `Add keeps a server under a name. The address is that of --admin-address. The first
context becomes the current one.`,
		Example: `  wasm-xds context add prod https://control.example:18002 --ca-file ca.crt --token-file token`,
		Args:    command.Arguments(2, 2, "a name and an address"),
		RunE: func(c *cobra.Command, args []string) error {
			to.Name, to.Address = args[0], args[1]
			for _, path := range []*string{&to.CAFile, &to.CertFile, &to.KeyFile, &to.TokenFile} {
				var err error
				if *path, err = command.Absolute(*path); err != nil {
					return err
				}
			}
			return changeContexts(c.OutOrStdout(), func(all *connect.Contexts) error { return all.Add(to) })
		},
	}
	f := c.Flags()
	f.StringVar(&to.CAFile, "ca-file", "", "PEM `file` with the CA of the server's certificate (default the CAs of this machine)")
	f.StringVar(&to.CertFile, "cert-file", "", "PEM `file` with the certificate that the server sees")
	f.StringVar(&to.KeyFile, "key-file", "", "PEM `file` with the key of that certificate")
	f.StringVar(&to.TokenFile, "token-file", "", "`file` with the token for the server")
	command.Action(f, "ca-file", "cert-file", "key-file", "token-file")
	return c
}

func newContextUse() *cobra.Command {
	return &cobra.Command{
		Use:               "use NAME",
		Short:             "Make a context the current one",
		Args:              command.Arguments(1, 1, "the name of a context"),
		ValidArgsFunction: completeContexts,
		RunE: func(c *cobra.Command, args []string) error {
			return changeContexts(c.OutOrStdout(), func(all *connect.Contexts) error { return all.Use(args[0]) })
		},
	}
}

func newContextRemove() *cobra.Command {
	return &cobra.Command{
		Use:               "rm NAME",
		Short:             "Remove a context; its files stay",
		Args:              command.Arguments(1, 1, "the name of a context"),
		ValidArgsFunction: completeContexts,
		RunE: func(c *cobra.Command, args []string) error {
			return changeContexts(c.OutOrStdout(), func(all *connect.Contexts) error { return all.Remove(args[0]) })
		},
	}
}

func newContextList() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the contexts; a star marks the current one",
		Args:  command.Arguments(0, 0, "no argument"),
	}
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		all, err := connect.ReadContexts()
		switch {
		case err != nil:
			return err
		case *output == "json":
			all.Contexts = append([]connect.Context{}, all.Contexts...) // [] and not null
			display.JSON(c.OutOrStdout(), all)
		default:
			printContexts(c.OutOrStdout(), all)
		}
		return nil
	}
	return c
}

func printContexts(w io.Writer, all *connect.Contexts) {
	if len(all.Contexts) == 0 {
		fmt.Fprintln(w, "there is no context; `wasm-xds context add` adds one")
		return
	}
	table := display.Table(w)
	fmt.Fprintln(table, " \tNAME\tADDRESS")
	for _, one := range all.Contexts {
		mark := " "
		if one.Name == all.Current {
			mark = "*"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", mark, one.Name, one.Address)
	}
	_ = table.Flush() // a closed output is not reported
}

// changeContexts changes the contexts on the disk, and prints the context in use now.
func changeContexts(w io.Writer, change func(*connect.Contexts) error) error {
	all, err := connect.ChangeContexts(change)
	if err != nil {
		return err
	}
	if current, ok := all.Find(all.Current); ok {
		fmt.Fprintf(w, "commands ask %s, the context %s\n", current.Address, current.Name)
	} else {
		fmt.Fprintf(w, "no context is the current one: commands ask %s\n", command.DefaultAdminAddress)
	}
	return nil
}

// completeContexts offers the names of contexts.
func completeContexts(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return connect.CompleteContexts()
}
