package host

import (
	"time"
)

// Config is the part of a request with an effect on a running module.
type Config struct {
	// Name, RootID and VMID are properties of the module. VMID is also the scope of the queues.
	Name, RootID, VMID string
	// VMConfig and PluginConfig are the configurations, for the module to read after the start;
	// nil: none.
	VMConfig, PluginConfig *string
	Env                    map[string]string
	// Capabilities are the only functions for the module to call or export; nil: all.
	Capabilities []string
	// AllowOnHeadersStopIteration lets a filter that pauses in the headers' callback still get the
	// body.
	AllowOnHeadersStopIteration bool
	// Step is the time for each call into the module on both engines together: a call ends after
	// half of it.
	Step      time.Duration
	Logs      int // number of kept lines
	HostCalls int // host calls during one call into the module
}

// stepLimit returns half of the limit: the other half belongs to a run on the compiler.
func (c *Config) stepLimit() time.Duration { return c.Step / 2 }

func configBytes(config *string) []byte {
	if config == nil {
		return []byte{}
	}
	return []byte(*config)
}
