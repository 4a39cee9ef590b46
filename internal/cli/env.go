package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// envName is the environment variable that a flag can be given as.
func envName(flag string) string {
	return "WASM_XDS_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// hasEnv says which flags the environment may set: those that say how something
// is to be done, not those that ask for it.
func hasEnv(f *pflag.Flag) bool {
	switch f.Name {
	case "help", "output", "watch", "wait", "exit-code", "full", "no-descriptions", "force", "annotation", "search", "password-stdin":
		return false
	}
	return true
}

// readEnvironment sets the flags that the command line does not set from the
// environment. A variable that is set to nothing counts as not set.
func readEnvironment(c *cobra.Command) error {
	var problem error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		text := os.Getenv(envName(f.Name))
		if problem != nil || f.Changed || text == "" || !hasEnv(f) {
			return
		}
		if err := c.Flags().Set(f.Name, text); err != nil {
			problem = usage(c, fmt.Sprintf("invalid value %q in %s: %s", text, envName(f.Name), reason(err)))
		}
	})
	return problem
}

// reason is what a flag's own type says, without the flag's name around it.
func reason(err error) string {
	text := err.Error()
	if _, after, found := strings.Cut(text, "flag: "); found {
		return after
	}
	return text
}
