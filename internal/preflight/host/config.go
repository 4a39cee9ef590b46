package host

import (
	"time"
)

// Config is the part of a request that a running module can notice.
type Config struct {
	// Name, RootID and VMID are properties of the module. VMID is also the scope of its queues.
	Name, RootID, VMID string
	// VMConfig and PluginConfig are the configurations that the module reads after its start; nil:
	// none.
	VMConfig, PluginConfig *string
	Env                    map[string]string
	// Capabilities are the only functions that the module may call or export; nil: all.
	Capabilities []string
	// AllowOnHeadersStopIteration lets a filter that pauses in the headers' callback still get the
	// body.
	AllowOnHeadersStopIteration bool
	// Step is the time for each call into the module on both engines together: a call ends after
	// half of it.
	Step      time.Duration
	Logs      int // lines that are kept
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
