package cli

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// envName is the environment variable that a flag can be given as.
func envName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// hasEnv says which flags the environment may set: those that say how something
// is to be done, not those that ask for it.
func hasEnv(f *pflag.Flag) bool {
	switch f.Name {
	case "help", "output", "watch", "wait", "revision", "nodes", "exit-code", "full", "no-descriptions", "force", "annotation", "search", "password-stdin":
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

// envPrefix begins the names of all variables that this program reads.
const envPrefix = "WASM_XDS_"

// foreignVariable matches names that others set under the program's prefix. Kubernetes gives
// each container the addresses of services, under the name of a service: WASM_XDS_SERVICE_HOST
// and WASM_XDS_PORT_18000_TCP_ADDR come from one that is called wasm-xds. Names that begin
// with WASM_XDS_TEST_ belong to the tests of this project.
var foreignVariable = regexp.MustCompile(
	`^WASM_XDS_(TEST_.*|(.*_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_.+)?))$`)

// checkEnvironment refuses a variable under the program's prefix that no command reads: a
// setting whose name is mistyped must not be ignored in silence.
func checkEnvironment(c *cobra.Command, environment []string) error {
	var unknown []string
	var known map[string]bool
	for _, one := range environment {
		name, text, _ := strings.Cut(one, "=")
		if text == "" || !strings.HasPrefix(name, envPrefix) || foreignVariable.MatchString(name) {
			continue
		}
		if known == nil {
			known = variables(c.Root())
		}
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	problem := usage(c, "no command reads the environment variable "+unknown[0])
	problem.Hint = "unset it; docs/cli.md lists the variables that there are"
	if near := spec.Nearest(unknown[0], slices.Sorted(maps.Keys(known))); near != "" {
		problem.Hint = "did you mean " + near + "?"
	}
	return problem
}

// variables are the names of all environment variables that the command and those below it read.
func variables(c *cobra.Command) map[string]bool {
	names := map[string]bool{}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if hasEnv(f) {
			names[envName(f.Name)] = true
		}
	})
	for _, below := range c.Commands() {
		for name := range variables(below) {
			names[name] = true
		}
	}
	return names
}
