package server

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/connect"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
)

// The states that wait waits for.
const (
	forLive     = "live"
	forRejected = "rejected"
)

func newWait() *cobra.Command {
	state, timeout := forLive, defaultWait
	c := &cobra.Command{
		Use:   "wait NAME",
		Short: "Wait until a filter is live, or refused",
		Long: `Wait has a running server read its specs as they are now, and then waits until every
Envoy that asks for the filter runs it (--for live), or until its newest content is refused by the
sandbox or by an Envoy (--for rejected). It then shows the filter and each Envoy. It exits
with 1 when the time is over, or when the other of the two has happened.`,
		Example: `  wasm-xds wait auth --timeout 30s
  wasm-xds wait auth --for rejected -o json`,
		Args:              command.Arguments(1, 1, "the name of a filter"),
		ValidArgsFunction: completeFilters,
	}
	connect.AddFlags(c)
	command.ChoiceFlag(c, &state, []string{forLive, forRejected}, "for", "`state` to wait for: live or rejected")
	c.Flags().DurationVar(&timeout, "timeout", timeout, "`time` to wait")
	command.Action(c.Flags(), "for", "timeout")
	output := command.OutputFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, args []string) error {
		if timeout <= 0 {
			return command.Usage(c, "--timeout takes a positive time")
		}
		server, err := connect.Client(c)
		if err != nil {
			return err
		}
		l := look{server: server, name: args[0], json: *output == "json", out: c.OutOrStdout(), flag: "--timeout"}
		if state == forRejected {
			return waitUntilRejected(c.Context(), l, timeout)
		}
		return waitUntilLive(c.Context(), l, timeout, "")
	}
	return c
}

// waitUntilRejected has the server read the specs, and waits until the newest content of a filter
// is refused.
func waitUntilRejected(ctx context.Context, l look, timeout time.Duration) error {
	limit, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	last, err := l.follow(ctx, limit, timeout, func(*api.Sync) error { return nil }, func(v *view.View) (bool, error) {
		f := &v.Filters[0]
		if isRefused(f) {
			return true, nil
		}
		if c := f.Condition; c == api.ConditionLive || c == api.ConditionNoEnvoy || c == api.ConditionEnvoysGone {
			return false, command.Failure("not_rejected", "filter "+l.name+" is not refused: all of it is "+string(c), "")
		}
		return false, nil
	})
	if last != nil {
		l.print(last)
	}
	if err != nil && ctx.Err() == nil && limit.Err() != nil {
		return command.Failure("not_rejected", fmt.Sprintf("filter %s is not refused after %s", l.name, timeout), "give it a longer --timeout")
	}
	return err
}

// isRefused says whether the sandbox or an Envoy has refused the newest content of a filter.
func isRefused(f *api.Filter) bool { return f.Failure() != nil }
