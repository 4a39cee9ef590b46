package serveflags

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/xds"
)

// Bounds of durations: below, a rescan is a busy loop; above, the value is probably mistyped.
const (
	leastInterval = time.Millisecond
	mostInterval  = 24 * time.Hour
)

// checkServe checks the values of flags, and removes the slash at the end of the modules' URL.
func checkServe(cfg *serve.Config) error {
	for flag, address := range map[string]string{
		"xds-address": cfg.XDSAddress, "modules-address": cfg.ModulesAddress, "admin-address": cfg.AdminAddress,
	} {
		if err := command.CheckPort(address); err != nil {
			return fmt.Errorf("invalid --%s %q: %w", flag, address, err)
		}
	}
	for flag, d := range map[string]time.Duration{"settle": cfg.Settle, "rescan": cfg.Rescan, "refresh": cfg.Refresh} {
		if flag == "refresh" && d == 0 { // of commands without a watched bundle
			continue
		}
		if d < leastInterval || d > mostInterval {
			return fmt.Errorf("invalid --%s %s: it is between %s and %s", flag, d, leastInterval, mostInterval)
		}
	}
	if cfg.ForgetRemoved < 0 {
		return fmt.Errorf("invalid --forget-removed %s: it is 0, which is for ever, or more", cfg.ForgetRemoved)
	}
	if err := checkConnections(cfg); err != nil {
		return err
	}
	if err := checkLimits(cfg.Limits, cfg.BuildMemory); err != nil {
		return err
	}
	if cfg.ModulesCluster == "" {
		return fmt.Errorf("--modules-cluster is empty: it names the Envoy cluster that reaches %s", cfg.ModulesAddress)
	}
	if err := command.CheckModulesURL(&cfg.ModulesURL); err != nil {
		return fmt.Errorf("invalid --modules-url %q: %w", cfg.ModulesURL, err)
	}
	if cfg.ModulesDirInEnvoy != "" && !filepath.IsAbs(cfg.ModulesDirInEnvoy) {
		return fmt.Errorf("invalid --modules-dir-in-envoy %q: it is not absolute", cfg.ModulesDirInEnvoy)
	}
	return nil
}

func checkConnections(cfg *serve.Config) error {
	for flag, n := range map[string]int{"max-connections": cfg.Connections, "max-connections-per-host": cfg.ConnectionsPerHost} {
		if n < 1 || n > 100_000_000 {
			return fmt.Errorf("invalid --%s %d: it is between 1 and 100000000", flag, n)
		}
	}
	if d := cfg.Limits.ConnectionIdle; d < time.Second {
		return fmt.Errorf("invalid --max-connection-idle %s: it is a second or more", d)
	}
	if d := cfg.Limits.ConnectionAge; d != 0 && d < time.Minute {
		return fmt.Errorf("invalid --max-connection-age %s: it is 0, which sets no end, or a minute or more", d)
	}
	return nil
}

func checkLimits(l xds.Limits, buildMemory int64) error {
	for _, one := range []struct {
		flag        string
		value, most int64
	}{
		{"max-names", int64(l.Names), 100_000_000},
		{"max-names-per-stream", int64(l.NamesPerStream), xds.MostNamesPerStream},
		{"max-streams", int64(l.Streams), 100_000_000},
		{"max-streams-per-node", int64(l.StreamsPerNode), 100_000_000},
		{"max-streams-per-connection", int64(l.StreamsPerConnection), 1 << 30},
		{"max-request-size", int64(l.RequestSize), 1 << 30},
		{"max-node-size", int64(l.NodeSize), 1 << 30},
		{"max-build-memory", buildMemory, 1 << 40},
	} {
		if one.value < 1 || one.value > one.most {
			return fmt.Errorf("invalid --%s %d: it is between 1 and %d", one.flag, one.value, one.most)
		}
	}
	return nil
}
