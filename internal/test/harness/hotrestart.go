package harness

import (
	"os"
	"strings"
)

// HotRestart starts the next process of an Envoy with [EnvoyOptions.HotRestart], with another
// bootstrap. The next process takes the listening sockets over. The process before drains, and
// ends after the time of --parent-shutdown-time-s.
func (e *EnvoyProcess) HotRestart(bootstrap string) *EnvoyProcess {
	e.t.Helper()
	before := e.current()
	before.mu.Lock()
	before.expected = true
	before.mu.Unlock()
	options := e.options
	options.Bootstrap = bootstrap
	id, err := os.ReadFile(e.file(baseID))
	if err != nil {
		e.t.Fatalf("%v", err)
	}
	return startEnvoy(e.t, options, restart{baseID: strings.TrimSpace(string(id)), epoch: e.restart.epoch + 1})
}
