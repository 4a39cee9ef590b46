package server

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/apiclient"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
)

// completeFilters offers the names of a running server's filters.
func completeFilters(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return completeFiltersThat(c, args, func(*api.Filter) bool { return true })
}

// completeFiltersThat offers the names of the wanted filters of a running server.
func completeFiltersThat(c *cobra.Command, args []string, wanted func(*api.Filter) bool) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	filters, _ := askForCompletion(c, apiclient.Client.Filters)
	var names []string
	for i := range filters {
		if wanted(&filters[i]) {
			names = append(names, filters[i].Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeRevisions offers names of filters, and then the wanted revisions of the filter.
func completeRevisions(c *cobra.Command, args []string, toComplete string, wanted func(*api.Revision) bool) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeFilters(c, args, toComplete)
	}
	if len(args) > 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	h, ok := askForCompletion(c, func(server apiclient.Client, ctx context.Context) (*api.History, error) {
		return server.History(ctx, args[0])
	})
	var revisions []string
	if ok {
		for i := range h.Revisions {
			if r := &h.Revisions[i]; wanted(r) {
				revisions = append(revisions, cobra.CompletionWithDesc(r.Revision, string(r.State)))
			}
		}
	}
	return revisions, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// askForCompletion asks the server in the flags. A completion takes a second at most, and offers
// nothing after a failure.
func askForCompletion[T any](c *cobra.Command, ask func(apiclient.Client, context.Context) (T, error)) (answer T, ok bool) {
	_ = command.ReadEnvironment(c) // a wrong variable is reported when the command runs
	server, err := connect.Client(c)
	if err != nil {
		return answer, false
	}
	ctx, cancel := context.WithTimeout(c.Context(), time.Second)
	defer cancel()
	answer, err = ask(server, ctx)
	return answer, err == nil
}
