package command

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

// EnvName is the environment variable of a flag.
func EnvName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// notInEnvironment is the annotation of flags that the environment does not set.
const notInEnvironment = "wasm-xds: not in the environment"

// Action marks flags that ask for an action or choose among the results of one call. The
// environment may set how a command works, but it may not ask for an action.
func Action(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		_ = f.SetAnnotation(name, notInEnvironment, []string{"true"}) // fails only for a missing flag
	}
}

// HasEnv says whether the environment may set a flag. Cobra itself adds the flags help and
// no-descriptions.
func HasEnv(f *pflag.Flag) bool {
	_, marked := f.Annotations[notInEnvironment]
	return !marked && f.Name != "help" && f.Name != "no-descriptions"
}

// ReadEnvironment sets flags from the environment, unless the command line sets them. An empty
// variable counts as unset.
func ReadEnvironment(c *cobra.Command) error {
	var problem error
	c.Flags().VisitAll(func(f *pflag.Flag) {
		text := os.Getenv(EnvName(f.Name))
		if problem != nil || f.Changed || text == "" || !HasEnv(f) {
			return
		}
		if err := c.Flags().Set(f.Name, text); err != nil {
			problem = Usage(c, fmt.Sprintf("invalid value %q in %s: %s", text, EnvName(f.Name), FlagReason(err)))
			return
		}
		_ = c.Flags().SetAnnotation(f.Name, fromEnvironment, []string{"true"}) // fails only for a missing flag
	})
	return problem
}

// fromEnvironment is the annotation of flags that the environment has set.
const fromEnvironment = "wasm-xds: from the environment"

// OnCommandLine reports whether the command line sets a flag of a command. Flags that
// [ReadEnvironment] has set do not count.
func OnCommandLine(c *cobra.Command, flag string) bool {
	f := c.Flags().Lookup(flag)
	if f == nil || !f.Changed {
		return false
	}
	_, marked := f.Annotations[fromEnvironment]
	return !marked
}

// FlagReason is the message of a flag's own type, without the flag's name.
func FlagReason(err error) string {
	text := err.Error()
	if _, after, found := strings.Cut(text, "flag: "); found {
		return after
	}
	return text
}

// envPrefix begins the names of all variables that this program reads.
const envPrefix = "WASM_XDS_"

// TokenVariable has the token of a server's client. It has no flag: every user of a machine can see
// the flags of a process.
const TokenVariable = envPrefix + "ADMIN_TOKEN"

// foreignVariable matches names of other programs under the program's prefix. Kubernetes gives
// each container the addresses of services, in variables with the name of the service: a service
// called wasm-xds has WASM_XDS_SERVICE_HOST and WASM_XDS_PORT_18000_TCP_ADDR. Names that begin
// with WASM_XDS_TEST_ belong to the tests of this project.
var foreignVariable = regexp.MustCompile(
	`^WASM_XDS_(TEST_.*|(.*_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_.+)?))$`)

// CheckEnvironment refuses a variable under the program's prefix that no command reads: a
// mistyped setting must not be ignored.
func CheckEnvironment(c *cobra.Command, environment []string) error {
	var unknown []string
	var known map[string]bool
	for _, one := range environment {
		name, text, _ := strings.Cut(one, "=")
		if text == "" || !strings.HasPrefix(name, envPrefix) || foreignVariable.MatchString(name) {
			continue
		}
		if known == nil {
			known = Variables(c.Root())
			known[TokenVariable] = true
		}
		if !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	problem := Usage(c, "no command reads the environment variable "+unknown[0])
	problem.Hint = "unset it; docs/cli.md lists the variables that there are"
	if near := spec.Nearest(unknown[0], slices.Sorted(maps.Keys(known))); near != "" {
		problem.Hint = "did you mean " + near + "?"
	}
	return problem
}

// Variables returns the environment variables of the command and of its subcommands.
func Variables(c *cobra.Command) map[string]bool {
	names := map[string]bool{}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if HasEnv(f) {
			names[EnvName(f.Name)] = true
		}
	})
	for _, below := range c.Commands() {
		for name := range Variables(below) {
			names[name] = true
		}
	}
	return names
}
