package serve

import (
	"cmp"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/etcdclient"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/ledger/etcd"
	"github.com/wasm-xds/wasm-xds/internal/peer"
)

// openEtcd reads the files for etcd; nil: there is no etcd.
func openEtcd(cfg *Config) (*etcdclient.Access, error) {
	if !cfg.Etcd.IsOn() {
		return nil, nil
	}
	return etcdclient.Open(cfg.Etcd, cfg.Logger)
}

// replicas are the replicas that share their decisions through etcd. It implements [peer.Ledger].
type replicas struct {
	ledger   ledger.Ledger   // nil: the server decides alone
	presence ledger.Presence // of this replica, without what changes
	control  atomic.Pointer[control.Control]
}

// joinReplicas prepares the access to the shared decisions, and completes the place of this
// replica. Without etcd, nothing changes. modules is the URL of the modules address.
func joinReplicas(cfg *Config, access *etcdclient.Access, modules string) *replicas {
	r := &replicas{}
	if access == nil {
		return r
	}
	place := &cfg.Replica
	place.Name, place.URL = cmp.Or(place.Name, hostname(), "replica"), cmp.Or(place.URL, reachable(modules))
	place.Key = cmp.Or(place.Key, peer.NewKey())
	if place.Ledger == nil {
		place.Ledger = r
	}
	r.presence = ledger.Presence{
		Replica: place.Name, URL: place.URL, Key: place.Key, Version: cfg.Version, Since: time.Now().UTC().Truncate(time.Second),
	}
	cfg.Logger.Info("this replica shares its decisions", zap.String("replica", place.Name), zap.String("url", place.URL),
		zap.String("etcd", access.Endpoints()), zap.String("prefix", access.Prefix()), zap.Bool("sealed", access.Keys().First() != ""))
	r.ledger = etcd.New(etcd.Config{Access: access, Replica: place.Name, Logger: cfg.Logger})
	return r
}

// follow lets the replicas be known as the control knows them.
func (r *replicas) follow(c *control.Control) { r.control.Store(c) }

// Peers returns the other replicas, sorted by name.
func (r *replicas) Peers() []peer.Peer {
	c := r.control.Load()
	if c == nil {
		return nil
	}
	known := c.Replicas()
	all := make([]peer.Peer, 0, len(known.Others))
	for _, p := range known.Others {
		all = append(all, peer.Peer{
			Name: p.Replica, URL: p.URL, Version: p.Version, Since: p.Since, Leader: p.Replica == known.Leader, Set: p.Set, Key: p.Key,
		})
	}
	return all
}

// Standing is this replica's place among the others.
func (r *replicas) Standing() peer.Standing {
	c := r.control.Load()
	if c == nil {
		return peer.Standing{}
	}
	known := c.Replicas()
	s := peer.Standing{Leads: known.Term != 0, Degraded: known.Problem, Since: known.Since}
	if s.Degraded != "" {
		s.Waits = control.NewAPI(c).Waits()
	}
	return s
}

// reachable returns a URL with the name of this machine in the place of an address that stands for
// all addresses.
func reachable(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsUnspecified() || hostname() == "" {
		return text
	}
	u.Host = net.JoinHostPort(hostname(), u.Port())
	return u.String()
}
