package cli

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/xds"
	"github.com/wasm-xds/wasm-xds/internal/xds/resource"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// serveFlags are the flags of a server. serveFlags is the only place where flags become a
// [serve.Config]: most flags set a field of config directly, and read makes the other fields from
// the flags below. A test holds every flag against its field.
type serveFlags struct {
	config     serve.Config
	registries registryFlags
	trust      trust
	hostEnv    hostEnv
	log        logFlags
}

// Bounds of durations: below, a rescan is a busy loop; above, the value is probably mistyped.
const (
	leastInterval = time.Millisecond
	mostInterval  = 24 * time.Hour
)

// defaultForgetRemoved is a day: a repaired or replaced Envoy is back by then.
const defaultForgetRemoved = 24 * time.Hour

// addTo adds the flags to a command, with their completions.
func (s *serveFlags) addTo(c *cobra.Command) {
	f, cfg := c.Flags(), &s.config
	f.StringVar(&cfg.XDSAddress, "xds-address", defaultXDSAddress, "`host:port` or unix:///path of gRPC: ECDS and ADS, SotW and delta")
	f.StringVar(&cfg.ModulesAddress, "modules-address", defaultModulesAddress, "`host:port` or unix:///path of HTTP: GET /modules/<sha256>.wasm")
	f.StringVar(&cfg.ModulesCluster, "modules-cluster", defaultModulesCluster, "`name` of the Envoy cluster that reaches the modules address")
	f.StringVar(&cfg.ModulesURL, "modules-url", "", "`URL` that Envoy puts into the Host and the path (default http:// and the modules address, or http://localhost for a socket)")
	f.StringVar(&cfg.ModulesDirInEnvoy, "modules-dir-in-envoy", "", "`path` of the module store as Envoy sees it, for delivery file (default as here)")
	f.StringVar(&cfg.AdminAddress, "admin-address", defaultAdminAddress, "`host:port` or unix:///path of the API, metrics, health and web page")
	cfg.Sockets.Mode = defaultSocketMode
	f.Var(fileMode{&cfg.Sockets.Mode}, "socket-mode", "`mode` of Unix sockets among the addresses, in octal; who may write may connect")
	f.StringVar(&cfg.Sockets.Group, "socket-group", "", "`group` of these sockets, by name or number (default the server's own)")
	f.StringVar(&cfg.StateDir, "state-dir", "", "`directory` of the module store, the last good snapshot and the verdicts (default systemd's $STATE_DIRECTORY, $XDG_STATE_HOME/wasm-xds or ~/.local/state/wasm-xds)")
	f.DurationVar(&cfg.Settle, "settle", 20*time.Millisecond, "quiet time before a changed directory is read; a tenth of it after files that were renamed into place, none after a single spec")
	f.DurationVar(&cfg.Rescan, "rescan", 10*time.Second, "time between looks at names, sizes and times without any event")
	cfg.Delivery = spec.Remote
	choiceFlag(c, &cfg.Delivery, deliveries(), "delivery", "how modules reach Envoy for specs that do not say: remote, inline or file")
	f.BoolVar(&cfg.AllowEmpty, "allow-empty", false, "take a directory whose specs are all gone at its word, and remove every filter")
	f.DurationVar(&cfg.ForgetRemoved, "forget-removed", defaultForgetRemoved, "how long a filter is kept whose spec is gone and that no Envoy asks for; 0 keeps it for ever")
	s.addLimits(f)
	s.trust.addFlags(f)
	s.registries.addFlags(f)
	cfg.Preflight = examine.Enforce
	choiceFlag(c, &cfg.Preflight, examine.Modes(), "preflight", "`mode` of the sandbox that tries modules and runs tests first: "+list(examine.Modes())+"; warn shows what it finds, enforce does not serve it")
	s.hostEnv.addFlags(f)
	s.log.addTo(c)
}

// addLimits adds the flags that bound the server's memory for Envoys and other clients.
func (s *serveFlags) addLimits(f *pflag.FlagSet) {
	s.config.Limits = xds.Limits{}.WithDefaults()
	l := &s.config.Limits
	f.IntVar(&l.Names, "max-names", l.Names, "`names` that no spec has and that all streams together may ask for; the stream with the most ends")
	f.IntVar(&l.NamesPerStream, "max-names-per-stream", l.NamesPerStream, "`names` that one stream may ask for; beyond, it ends")
	f.IntVar(&l.Streams, "max-streams", l.Streams, "open `streams`; each further one ends")
	f.IntVar(&l.StreamsPerNode, "max-streams-per-node", l.StreamsPerNode, "open `streams` of one node id from one host; each further one ends")
	sizeFlag(f, &l.RequestSize, "max-request-size", "`size` of an xDS request, as 4MiB; beyond, its stream ends")
	sizeFlag(f, &l.NodeSize, "max-node-size", "`size` of a node's id, cluster and metadata, as 64KiB; beyond, its stream ends")
	s.config.BuildMemory = resource.DefaultBuildMemory
	sizeFlag(f, &s.config.BuildMemory, "max-build-memory", "`size` of the memory that inline resources take while they are built; others wait, and one that needs more is built alone")
}

// addRefresh adds the flag of commands that serve bundles.
func (s *serveFlags) addRefresh(f *pflag.FlagSet, usual time.Duration) {
	f.DurationVar(&s.config.Refresh, "refresh", usual, "time between two looks at a bundle's tag, give or take a tenth")
}

// read checks the values and returns the configuration, with absolute paths. The caller fills in
// what no flag gives: the sources, the version, the logger and the callback.
func (s *serveFlags) read() (serve.Config, error) {
	cfg := s.config
	if err := checkServe(&cfg); err != nil {
		return cfg, err
	}
	if err := s.trust.validate(); err != nil {
		return cfg, err
	}
	var err error
	if cfg.HostEnv, err = s.hostEnv.values(); err != nil {
		return cfg, err
	}
	if cfg.StateDir, err = absolute(cfg.StateDir); err != nil {
		return cfg, err
	}
	cfg.Registry, cfg.Guard, cfg.Keys = s.registries.config(), s.trust.guard(), s.trust.keys
	return cfg, nil
}

// absolute is the absolute path; "" stays "".
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}

func deliveries() []spec.Delivery { return []spec.Delivery{spec.Remote, spec.Inline, spec.File} }

// checkServe checks the values of flags, and removes the slash at the end of the modules' URL.
func checkServe(cfg *serve.Config) error {
	for flag, address := range map[string]string{
		"xds-address": cfg.XDSAddress, "modules-address": cfg.ModulesAddress, "admin-address": cfg.AdminAddress,
	} {
		if err := checkPort(address); err != nil {
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
	if err := checkLimits(cfg.Limits, cfg.BuildMemory); err != nil {
		return err
	}
	if cfg.ModulesCluster == "" {
		return fmt.Errorf("--modules-cluster is empty: it names the Envoy cluster that reaches %s", cfg.ModulesAddress)
	}
	if err := checkModulesURL(&cfg.ModulesURL); err != nil {
		return fmt.Errorf("invalid --modules-url %q: %w", cfg.ModulesURL, err)
	}
	if cfg.ModulesDirInEnvoy != "" && !filepath.IsAbs(cfg.ModulesDirInEnvoy) {
		return fmt.Errorf("invalid --modules-dir-in-envoy %q: it is not absolute", cfg.ModulesDirInEnvoy)
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
