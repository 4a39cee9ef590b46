package envoy

import (
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/bootstrap"
)

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
