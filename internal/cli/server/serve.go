package server

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/configfile"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/serveflags"
	"github.com/wasm-xds/wasm-xds/internal/etcdspecs"
	"github.com/wasm-xds/wasm-xds/internal/serve"
	"github.com/wasm-xds/wasm-xds/internal/source/oci"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newServe() *cobra.Command {
	var flags serveflags.Flags
	var checkOnly *bool
	c := &cobra.Command{
		Use:   "serve [DIR] [oci://BUNDLE...] [etcd://PREFIX...]",
		Short: "Serve the filters of a directory, or of bundles in registries or etcd, to Envoys",
		Long: `Serve watches DIR (default ./filters, unless there is a bundle) and serves the filters
that its specs describe to every Envoy that asks for them, until it gets SIGINT or SIGTERM.

A bundle is what wasm-xds push makes of a directory: its tag is looked at every
--refresh, and a new bundle is taken as a whole or not at all. One in etcd is watched,
and a new one is taken at once. Directory and bundles go together; a name that two of
them have is taken from neither.

A restart costs nothing: Envoys go on with what they have, and the last good
state is served before the directory is read.

Flags can stand in a file instead, --config wasm-xds.yaml: one line for each, as
rescan: 10s, and the arguments as sources: [DIR, oci://BUNDLE]. A relative path in
the file is relative to the file's directory. Flags and environment win over it.

SIGHUP has everything read at once: specs, certificates and tokens. Under systemd,
serve takes the sockets called xds, modules and admin (FileDescriptorName=) in place
of its own, tells when it is ready, and gives signs of life to the watchdog.`,
		Example: `  wasm-xds serve
  wasm-xds serve /etc/wasm-xds/filters --log-format json
  wasm-xds serve --config /etc/wasm-xds/wasm-xds.yaml
  wasm-xds serve --config /etc/wasm-xds/wasm-xds.yaml --check-config
  wasm-xds serve oci://registry.example.com/team/filters:prod
  wasm-xds serve etcd:///wasm-xds --etcd-endpoints etcd-1:2379,etcd-2:2379,etcd-3:2379
  WASM_XDS_XDS_ADDRESS=10.0.0.5:18000 wasm-xds serve`,
		Args: command.Arguments(0, -1, "a directory or bundles"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(c *cobra.Command, args []string) error {
			cfg, problems := readServe(c, &flags, args)
			log := flags.Log.Logger(c.ErrOrStderr())
			cfg.Logger = log
			switch {
			case *checkOnly:
				return checkServe(c, cfg, problems)
			case len(problems) > 0:
				return problems[0]
			}
			if err := takeFromSystemd(c, &cfg); err != nil {
				return err
			}
			warnOfAddresses(&cfg, log)
			hangups, stop := notifyHangup()
			defer stop()
			cfg.Reload = hangups
			return serveflags.Run(c.Context(), cfg, log)
		},
	}
	checkOnly = c.Flags().Bool("check-config", false, "check flags, certificates, token files and the specs of DIR, and print every problem; open no port, and leave the state alone")
	command.Action(c.Flags(), "check-config")
	configfile.AddFlag(c)
	flags.AddTo(c)
	flags.AddTLS(c.Flags())
	flags.AddAdmin(c.Flags())
	flags.AddOutbound(c.Flags())
	flags.AddRefresh(c.Flags(), oci.DefaultRefresh)
	flags.AddEtcd(c.Flags())
	flags.AddReplica(c.Flags())
	return c
}

// readServe reads the configuration from the flags, the file and the arguments, and returns all
// problems.
func readServe(c *cobra.Command, flags *serveflags.Flags, args []string) (cfg serve.Config, problems []error) {
	file, err := configfile.Apply(c)
	problems = append(problems, each(err)...)
	if len(args) == 0 {
		args = file.Sources
	}
	from, err := sourcesOf(c, args)
	problems = append(problems, each(err)...)
	cfg, err = flags.Read()
	for _, one := range each(err) {
		problems = append(problems, file.Place(c, one))
	}
	cfg.Dir, cfg.Bundles, cfg.EtcdBundles = from.dir, from.bundles, from.etcd
	if len(from.etcd) > 0 && !cfg.Etcd.IsOn() {
		problems = append(problems, command.Usage(c, "--etcd-endpoints is missing: it names the etcd of "+from.etcd[0].String()))
	}
	return cfg, problems
}

// sources are the places of specs.
type sources struct {
	dir     string // "": no directory
	bundles []spec.Reference
	etcd    []etcdspecs.Place
}

// sourcesOf reads the arguments: at most one directory, and any number of bundles. Without
// arguments, the directory is filters.
func sourcesOf(c *cobra.Command, args []string) (s sources, err error) {
	if len(args) == 0 {
		s.dir = "filters"
	}
	known := map[string]bool{}
	for _, arg := range args {
		name, isBundle, err := s.addBundle(c, arg)
		switch {
		case err != nil:
			return sources{}, err
		case isBundle && known[name]:
			return sources{}, command.Usage(c, arg+" is there twice")
		case isBundle:
			known[name] = true
		case s.dir != "":
			return sources{}, command.Usage(c, fmt.Sprintf("%q is one argument too many: there can be one directory", arg))
		default:
			s.dir = arg
		}
	}
	s.dir, err = command.Absolute(s.dir)
	return s, err
}

// addBundle adds a bundle, and returns the bundle's name; false: the argument is a directory.
func (s *sources) addBundle(c *cobra.Command, arg string) (name string, isBundle bool, err error) {
	if etcdspecs.IsPlace(arg) {
		place, err := etcdspecs.ParsePlace(arg)
		if err != nil {
			return "", false, command.Usage(c, fmt.Sprintf("invalid place %q: %v", arg, err))
		}
		s.etcd = append(s.etcd, place)
		return place.String(), true, nil
	}
	ref, isBundle, err := fetch.BundleReference(arg)
	if err == nil && isBundle {
		s.bundles = append(s.bundles, ref)
	}
	return fetch.Scheme + ref.String(), isBundle, err
}

// warnOfAddresses logs the addresses within reach of other machines without authentication. For the
// admin address this needs --admin-insecure.
func warnOfAddresses(cfg *serve.Config, log *zap.Logger) {
	mutual := cfg.TLS.ClientCAFile != "" || cfg.SPIFFE.Socket != ""
	for _, one := range []struct {
		flag, address, reach string
		known                bool // each client shows a certificate or a token
	}{
		{"xds-address", cfg.XDSAddress, "get every filter with its configuration", mutual},
		{"modules-address", cfg.ModulesAddress, "download every module", mutual},
		{"admin-address", cfg.AdminAddress, "see the state and roll filters back", cfg.AdminTLS.ClientCAFile != "" || cfg.AdminTokenFile != ""},
	} {
		if !one.known && !command.IsLocal(one.address) {
			log.Warn("listening beyond this machine without authentication: who reaches it can "+one.reach,
				zap.String("flag", "--"+one.flag), zap.String("address", one.address))
		}
	}
}
