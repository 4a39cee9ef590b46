package envoy

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
	"github.com/wasm-xds/wasm-xds/internal/cli/command"
)

// addServerFlags adds the flags with the addresses of the control plane.
func addServerFlags(f *pflag.FlagSet, o *bootstrap.Options) {
	f.StringVar(&o.XDSAddress, "xds-address", command.DefaultXDSAddress, "`host:port` or unix:///path of the control plane as Envoy reaches it")
	f.StringVar(&o.ModulesAddress, "modules-address", command.DefaultModulesAddress, "`host:port` or unix:///path of its module server as Envoy reaches it")
	f.StringSliceVar(&o.XDSServers, "xds-server", nil, "`host:port` of a replica of the control plane, instead of --xds-address; may be repeated: Envoy goes to any of them, and at once to another when it fails")
	f.StringSliceVar(&o.ModulesServers, "modules-server", nil, "`host:port` of a replica's module server, instead of --modules-address; may be repeated (default the hosts of --xds-server, port 18001)")
}

// checkServers checks the addresses of the control plane. A default gives way to servers.
func checkServers(c *cobra.Command, o *bootstrap.Options) error {
	f := c.Flags()
	for _, one := range []struct {
		address, server string
		servers         []string
		text            *string
		givesWay        bool
	}{
		{"xds-address", "xds-server", o.XDSServers, &o.XDSAddress, len(o.XDSServers) > 0},
		{"modules-address", "modules-server", o.ModulesServers, &o.ModulesAddress, len(o.XDSServers)+len(o.ModulesServers) > 0},
	} {
		if len(one.servers) > 0 && f.Changed(one.address) {
			return command.Usage(c, "--"+one.address+" and --"+one.server+" exclude each other")
		}
		if one.givesWay && !f.Changed(one.address) {
			*one.text = ""
		}
		for _, text := range one.servers {
			if err := command.CheckPort(text); err != nil {
				return command.Failure(command.CodeUsage, "invalid --"+one.server+" "+text+": "+err.Error(), "")
			}
		}
		if *one.text == "" && one.givesWay {
			continue
		}
		if err := command.CheckPort(*one.text); err != nil {
			return command.Failure(command.CodeUsage, "invalid --"+one.address+" "+*one.text+": "+err.Error(), "")
		}
	}
	return nil
}

// addEnvoyFlags adds the flags that dev has, too.
func addEnvoyFlags(f *pflag.FlagSet, o *bootstrap.Options) {
	f.StringVar(&o.ListenAddress, "listen-address", "127.0.0.1:10000", "`host:port` of Envoy's HTTP listener")
	f.StringVar(&o.TCPListenAddress, "tcp-listen-address", "127.0.0.1:10001", "`host:port` of Envoy's TCP listener")
	f.StringVar(&o.UpstreamAddress, "upstream-address", "127.0.0.1:18080", "`host:port` that Envoy forwards to")
	f.StringVar(&o.AdminAddress, "envoy-admin-address", "127.0.0.1:9901", "`host:port` of Envoy's own admin interface")
	f.StringVar(&o.NodeID, "node-id", "envoy-1", "`id` that Envoy calls itself")
	f.StringVar(&o.NodeCluster, "node-cluster", "envoy", "`name` of the cluster that Envoy says it is of")
}

func modes() []bootstrap.Mode {
	return []bootstrap.Mode{bootstrap.ADSDelta, bootstrap.ADSSotW, bootstrap.ECDSDelta, bootstrap.ECDSSotW}
}
