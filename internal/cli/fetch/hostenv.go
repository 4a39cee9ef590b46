package fetch

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// HostEnv are values for vm.hostEnv in the sandbox.
type HostEnv struct{ lines []string }

// AddFlags adds the flag.
func (h *HostEnv) AddFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&h.lines, "host-env", nil, "`NAME=VALUE` of a variable in Envoy's environment, for filters in the sandbox "+
		"that name it in vm.hostEnv; several times for several, or one a line")
}

// Values are by name. An error shows no value, because values may be secrets.
func (h *HostEnv) Values() (map[string]string, error) {
	values := map[string]string{}
	for line := range strings.Lines(strings.Join(h.lines, "\n")) {
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		switch _, twice := values[name]; {
		case !ok || name == "":
			return nil, fmt.Errorf("invalid --host-env: it is NAME=VALUE")
		case twice:
			return nil, fmt.Errorf("invalid --host-env: %s is there twice", name)
		}
		values[name] = value
	}
	return values, nil
}
