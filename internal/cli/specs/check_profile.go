package specs

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/examine"
)

// profileFlags configure the measurement of check.
type profileFlags struct {
	on       bool
	requests int
	time     time.Duration
}

// mostRequests bounds the memory for the times of requests.
const mostRequests = 10_000_000

func (p *profileFlags) addFlags(flags *pflag.FlagSet) {
	flags.BoolVar(&p.on, "profile", false, "show what a request costs the filter")
	flags.IntVar(&p.requests, "profile-requests", 10_000, "`number` of requests that --profile sends through each filter; more while its memory grows")
	flags.DurationVar(&p.time, "profile-time", 30*time.Second, "`time` that they may take, for each filter")
}

func (p *profileFlags) validate(c *cobra.Command, mode examine.Mode) error {
	switch given := c.Flags().Changed; {
	case p.on && mode == examine.Off:
		return command.Usage(c, "--profile needs the sandbox, which --preflight off leaves out")
	case !p.on && (given("profile-requests") || given("profile-time")):
		return command.Usage(c, "--profile-requests and --profile-time belong to --profile")
	case p.requests < 1 || p.requests > mostRequests:
		return command.Usage(c, fmt.Sprintf("invalid --profile-requests %d: it must be from 1 to %d", p.requests, mostRequests))
	case p.time <= 0:
		return command.Usage(c, fmt.Sprintf("invalid --profile-time %s: it must be more than 0", p.time))
	}
	return nil
}
