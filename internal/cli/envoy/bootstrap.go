package envoy

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
	"github.com/wasm-xds/wasm-xds/internal/cli/fetch"
	"github.com/wasm-xds/wasm-xds/internal/cli/load"
	"github.com/wasm-xds/wasm-xds/internal/cli/trial"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func newBootstrap() *cobra.Command {
	var o bootstrap.Options
	var from fetch.Flags
	var servicesDir string
	c := &cobra.Command{
		Use:   "bootstrap DIR|oci://BUNDLE",
		Short: "Print an Envoy bootstrap wired for the filters of a directory",
		Long: `Bootstrap prints a complete Envoy configuration: a listener with the HTTP filters
of DIR's specs, another with the network filters, and the clusters that lead to
wasm-xds. It needs the specs, not their modules, except for those of services.

A service (type: service) is no filter: no control plane can deliver it, and an Envoy runs
the services of its bootstrap. Bootstrap brings the module of each service, tries it in
the sandbox, since an Envoy with a bad service does not start, and writes it to
--services-dir, with its sha256 as its name. For another revision of a service, write the
bootstrap anew and restart Envoy, hot or not.

With --tls-ca-file Envoy speaks TLS, and with --tls-cert-file it shows a certificate of
its own. Bootstrap then also writes two small files with the paths of the certificates.
Envoy watches them through SDS, and follows new certificates without a restart.

With several --xds-server, the clusters have all replicas of the control plane. Envoy
goes to any of them. When its replica ends, it goes to another and keeps its filters.`,
		Example: `  wasm-xds bootstrap filters/ > envoy.yaml && envoy -c envoy.yaml
  wasm-xds bootstrap filters/ --xds-address control:18000 --modules-address control:18001 \
    --tls-ca-file /etc/envoy/ca.crt --tls-cert-file /etc/envoy/tls.crt --tls-key-file /etc/envoy/tls.key
  wasm-xds bootstrap filters/ --xds-server control-a:18000 --xds-server control-b:18000`,
		Args: command.Arguments(1, 1, "a directory of specs, or a bundle"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := from.Trust.Validate(); err != nil {
				return command.Usage(c, err.Error())
			}
			if err := checkServers(c, &o); err != nil {
				return err
			}
			return renderBootstrap(c.Context(), args[0], &from, o, servicesDir, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	addServerFlags(f, &o)
	f.StringVar(&o.ModulesCluster, "modules-cluster", command.DefaultModulesCluster, "`name` of the cluster for it, as serve has it")
	o.Mode = bootstrap.ADSDelta
	command.ChoiceFlag(c, &o.Mode, modes(), "mode", "how Envoy asks: "+command.List(modes()))
	f.DurationVar(&o.InitialFetchTimeout, "initial-fetch-timeout", 0, "how long a listener waits for its filters at boot before it opens and answers 500; 0s waits for ever")
	o.Stats = bootstrap.StatsAll
	command.ChoiceFlag(c, &o.Stats, []bootstrap.Stats{bootstrap.StatsAll, bootstrap.StatsFew, bootstrap.StatsNone}, "stats", "`stats` that Envoy reports to wasm-xds: all, few (Envoy makes no others, also for its admin port) or none")
	f.DurationVar(&o.StatsInterval, "stats-interval", 5*time.Second, "time between two reports, from 1ms to 5m; rollouts look at an Envoy as often")
	f.StringVar(&servicesDir, "services-dir", "wasm-services", "`directory` for the modules of services (type: service), as Envoy sees it; they are written there")
	addTLSFlags(f, &o.TLS)
	addEnvoyFlags(f, &o)
	from.AddFlags(f)
	return c
}

// renderBootstrap writes the bootstrap for the specs of path. It prints the problems of specs,
// and leaves those specs out, so the remaining specs can be wired.
func renderBootstrap(ctx context.Context, path string, from *fetch.Flags, o bootstrap.Options, servicesDir string, stdout, stderr io.Writer) error {
	docs, done, err := load.Sources(ctx, []string{path}, from, stderr)
	defer done()
	if err != nil {
		return err
	}
	var services []*spec.Spec
	for _, s := range docs.Specs {
		if s.Type == spec.Service {
			services = append(services, s)
			continue
		}
		o.Filters = append(o.Filters, bootstrap.Filter{Name: s.Name, Type: s.Type})
	}
	problems := trial.PrintProblems(stderr, docs.Errors, false)
	if len(o.Filters)+len(services) == 0 {
		if problems != nil {
			return problems
		}
		return command.Failure("no_specs", "there is no spec in "+path, "a spec is a .yaml or .yml file: see docs/spec.md")
	}
	for _, one := range []struct{ flag, address string }{
		{"--upstream-address", o.UpstreamAddress},
		{"--listen-address", o.ListenAddress},
		{"--tcp-listen-address", o.TCPListenAddress},
		{"--envoy-admin-address", o.AdminAddress},
	} {
		if err := address.CheckTCP(one.address); err != nil {
			return command.Failure(command.CodeUsage, "invalid "+one.flag+" "+one.address+": "+err.Error(), "")
		}
	}
	if o.InitialFetchTimeout < 0 || o.InitialFetchTimeout > time.Hour {
		return command.Failure(command.CodeUsage, "invalid --initial-fetch-timeout "+o.InitialFetchTimeout.String()+": it is between 0s and 1h", "")
	}
	if o.StatsInterval < time.Millisecond || o.StatsInterval > 5*time.Minute {
		return command.Failure(command.CodeUsage, "invalid --stats-interval "+o.StatsInterval.String()+": it is between 1ms and 5m", "")
	}
	if err := prepareTLS(&o, stderr); err != nil {
		return err
	}
	if o.Services, err = prepareServices(ctx, services, servicesDir, from, stderr); err != nil {
		return err
	}
	if err := bootstrap.Render(stdout, o); err != nil {
		return err
	}
	return problems
}
