package cli

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/source/oci"
	"github.com/wasm-xds/wasm-xds/internal/xds"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ServeConfig configures serve. The flags fill it, and validate checks it before runServe.
type ServeConfig struct {
	Dir               string // of the specs, absolute; need not exist yet; "": none, and Bundles is not empty
	Bundles           []spec.Reference
	Refresh           time.Duration // of the bundles, > 0
	Registries        registryFlags
	XDSAddress        string        // host:port; port 0: any free one
	ModulesAddress    string        // host:port
	ModulesCluster    string        // Envoy's cluster for ModulesAddress
	ModulesURL        string        // http or https, without a slash at the end; "": made from ModulesAddress after the bind
	ModulesDirInEnvoy string        // absolute; "": the store's own path
	AdminAddress      string        // host:port
	StateDir          string        // absolute; "": the user's default
	Settle            time.Duration // > 0
	Rescan            time.Duration // > 0
	Delivery          spec.Delivery // never ""
	AllowEmpty        bool          // an empty directory removes every filter
	ForgetRemoved     time.Duration // 0: never
	Limits            xds.Limits    // on requests of Envoys
	BuildMemory       int           // bytes, > 0
	Trust             trust         // which modules may be fetched
	Preflight         examine.Mode  // never ""
	HostEnv           hostEnv       // for the sandbox
	LogLevel          string        // debug, info, warn or error
	LogFormat         string        // console or json

	Started func(serve.Addresses) // called once all addresses listen; nil: not called
}

// These are serve's default addresses, and those of render, bootstrap and status.
const (
	defaultXDSAddress     = "127.0.0.1:18000"
	defaultModulesAddress = "127.0.0.1:18001"
	defaultAdminAddress   = "127.0.0.1:18002"
	defaultModulesCluster = "wasm_xds_modules"
)

// Bounds of durations: below, a rescan is a busy loop; above, the value is probably mistyped.
const (
	leastInterval = time.Millisecond
	mostInterval  = 24 * time.Hour
)

func newServe() *cobra.Command {
	var cfg ServeConfig
	c := &cobra.Command{
		Use:   "serve [DIR] [oci://BUNDLE...]",
		Short: "Serve the filters of a directory, or of bundles in registries, to Envoys",
		Long: `Serve watches DIR (default ./filters, unless there is a bundle) and serves the filters
that its specs describe to every Envoy that asks for them, until it gets SIGINT or SIGTERM.

A bundle is what wasm-xds push makes of a directory: its tag is looked at every
--refresh, and a new bundle is taken as a whole or not at all. Directory and bundles
go together; a name that two of them have is taken from neither.

A restart costs nothing: Envoys go on with what they have, and the last good
state is served before the directory is read.`,
		Example: `  wasm-xds serve
  wasm-xds serve /etc/wasm-xds/filters --log-format json
  wasm-xds serve oci://registry.example.com/team/filters:prod
  WASM_XDS_XDS_ADDRESS=10.0.0.5:18000 wasm-xds serve`,
		Args: arguments(0, -1, "a directory or bundles"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := cfg.takeSources(c, args); err != nil {
				return err
			}
			if err := cfg.validate(); err != nil {
				return usage(c, err.Error())
			}
			warnOfAddresses(&cfg, cfg.newLogger(c.ErrOrStderr()))
			return runServe(c.Context(), cfg, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	cfg.addFlags(c.Flags())
	f := c.Flags()
	f.DurationVar(&cfg.Refresh, "refresh", oci.DefaultRefresh, "time between two looks at a bundle's tag, give or take a tenth")
	completeChoices(c)
	return c
}

// takeSources reads the arguments: at most one directory, and any number of bundles.
func (cfg *ServeConfig) takeSources(c *cobra.Command, args []string) error {
	known := map[string]bool{}
	for _, arg := range args {
		switch ref, isBundle, err := bundleReference(arg); {
		case err != nil:
			return err
		case isBundle && known[ref.String()]:
			return usage(c, arg+" is there twice")
		case isBundle:
			known[ref.String()] = true
			cfg.Bundles = append(cfg.Bundles, ref)
		case cfg.Dir != "":
			return usage(c, fmt.Sprintf("%q is one argument too many: there can be one directory", arg))
		default:
			cfg.Dir = arg
		}
	}
	if len(args) == 0 {
		cfg.Dir = "filters"
	}
	return nil
}

func (cfg *ServeConfig) addFlags(f *pflag.FlagSet) {
	f.StringVar(&cfg.XDSAddress, "xds-address", defaultXDSAddress, "`host:port` of gRPC: ECDS and ADS, SotW and delta")
	f.StringVar(&cfg.ModulesAddress, "modules-address", defaultModulesAddress, "`host:port` of HTTP: GET /modules/<sha256>.wasm")
	f.StringVar(&cfg.ModulesCluster, "modules-cluster", defaultModulesCluster, "`name` of the Envoy cluster that reaches the modules address")
	f.StringVar(&cfg.ModulesURL, "modules-url", "", "`URL` that Envoy puts into the Host and the path (default http:// and the modules address)")
	f.StringVar(&cfg.ModulesDirInEnvoy, "modules-dir-in-envoy", "", "`path` of the module store as Envoy sees it, for delivery file (default as here)")
	f.StringVar(&cfg.AdminAddress, "admin-address", defaultAdminAddress, "`host:port` of the API, metrics, health and web page")
	f.StringVar(&cfg.StateDir, "state-dir", "", "`directory` of the module store, the last good snapshot and the verdicts (default systemd's $STATE_DIRECTORY, $XDG_STATE_HOME/wasm-xds or ~/.local/state/wasm-xds)")
	f.DurationVar(&cfg.Settle, "settle", 20*time.Millisecond, "quiet time before a changed directory is read; a tenth of it after files that were renamed into place, none after a single spec")
	f.DurationVar(&cfg.Rescan, "rescan", 10*time.Second, "time between looks at names, sizes and times without any event")
	cfg.Delivery = spec.Remote
	f.Var(&choiceOf[spec.Delivery]{&cfg.Delivery, deliveries()}, "delivery", "how modules reach Envoy for specs that do not say: remote, inline or file")
	f.BoolVar(&cfg.AllowEmpty, "allow-empty", false, "take a directory whose specs are all gone at its word, and remove every filter")
	f.DurationVar(&cfg.ForgetRemoved, "forget-removed", defaultForgetRemoved, "how long a filter is kept whose spec is gone and that no Envoy asks for; 0 keeps it for ever")
	cfg.addLimits(f)
	cfg.Trust.addFlags(f)
	cfg.Registries.addFlags(f)
	cfg.Preflight = examine.Enforce
	f.Var(&choiceOf[examine.Mode]{&cfg.Preflight, examine.Modes()}, "preflight", "`mode` of the sandbox that tries modules and runs tests first: "+list(examine.Modes())+"; warn shows what it finds, enforce does not serve it")
	cfg.HostEnv.addFlags(f)
	cfg.LogLevel, cfg.LogFormat = "info", "console"
	f.Var(&choiceOf[string]{&cfg.LogLevel, logLevels()}, "log-level", "what is logged: debug, info, warn or error")
	f.Var(&choiceOf[string]{&cfg.LogFormat, logFormats()}, "log-format", "console for people, json for machines")
}

func deliveries() []spec.Delivery { return []spec.Delivery{spec.Remote, spec.Inline, spec.File} }
func logLevels() []string         { return []string{"debug", "info", "warn", "error"} }
func logFormats() []string        { return []string{"console", "json"} }

func preflightModes() []string {
	var words []string
	for _, mode := range examine.Modes() {
		words = append(words, string(mode))
	}
	return words
}

func completeChoices(c *cobra.Command) {
	for name, words := range map[string][]string{
		"delivery": {"remote", "inline", "file"}, "preflight": preflightModes(),
		"log-level": logLevels(), "log-format": logFormats(),
	} {
		_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
}

// validate checks every value and makes the paths absolute.
func (cfg *ServeConfig) validate() error {
	for flag, address := range map[string]string{
		"xds-address": cfg.XDSAddress, "modules-address": cfg.ModulesAddress, "admin-address": cfg.AdminAddress,
	} {
		if err := checkAddress(address); err != nil {
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
	if err := cfg.Trust.validate(); err != nil {
		return err
	}
	if _, err := cfg.HostEnv.values(); err != nil {
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
	for _, path := range []*string{&cfg.Dir, &cfg.StateDir} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	return nil
}

// checkAddress wants a host and a port. An empty host would listen everywhere, for which a user
// must write 0.0.0.0 or [::].
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return fmt.Errorf("it is no host:port")
	case host == "":
		return fmt.Errorf("the host is missing; 127.0.0.1 is this machine only, 0.0.0.0 every network")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("the port %q is no number from 0 to 65535", port)
	}
	return nil
}

// checkModulesURL checks the URL, and removes the slash at the end.
func checkModulesURL(text *string) error {
	if *text == "" {
		return nil
	}
	u, err := url.Parse(*text)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("it does not begin with http:// or https://")
	case u.Host == "":
		return fmt.Errorf("the host is missing")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("it has more than a host and a path")
	}
	*text = strings.TrimRight(*text, "/")
	return nil
}

// warnOfAddresses logs the addresses that other machines can reach without authentication.
func warnOfAddresses(cfg *ServeConfig, log *zap.Logger) {
	for _, one := range []struct{ flag, address, reach string }{
		{"xds-address", cfg.XDSAddress, "get every filter with its configuration"},
		{"modules-address", cfg.ModulesAddress, "download every module"},
		{"admin-address", cfg.AdminAddress, "see the state and roll filters back"},
	} {
		if !isLoopback(one.address) {
			log.Warn("listening beyond this machine without authentication: who reaches it can "+one.reach,
				zap.String("flag", "--"+one.flag), zap.String("address", one.address))
		}
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host == "localhost"
	}
	return ip.Unmap().IsLoopback()
}
