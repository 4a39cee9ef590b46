package serveflags

import (
	"github.com/spf13/pflag"

	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
)

// AddReplica adds the flags of a server that shares its decisions with others.
func (s *Flags) AddReplica(f *pflag.FlagSet) {
	r := &s.config.Replica
	f.StringVar(&s.etcdPrefix, "etcd-prefix", etcdclient.DefaultPrefix, "`prefix` of the keys in etcd; the replicas of one fleet have the same")
	f.StringVar(&r.Name, "replica-name", "", "`name` of this replica, which no other replica of the fleet has (default the host's name)")
	f.StringVar(&r.URL, "peer-url", "", "`URL` at which other replicas reach the modules address of this one (default as Envoys reach it)")
}
