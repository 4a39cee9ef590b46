package serve

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/control"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/metrics"
	"github.com/wasm-xds/wasm-xds/internal/moduleserver"
	"github.com/wasm-xds/wasm-xds/internal/peer"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
)

// fleet is this replica among the others, and answers their questions.
type fleet struct {
	*peer.Fleet
	ledger    peer.Ledger
	transport *http.Transport
	replica   api.Replica // without what changes
	key       string
	control   *control.Control
	api       *control.API
}

// noLedger is the ledger of a server alone.
type noLedger struct{}

func (noLedger) Peers() []peer.Peer      { return nil }
func (noLedger) Standing() peer.Standing { return peer.Standing{Leads: true} }

// newFleet returns the access to other replicas. The caller must close it. encrypted has the
// certificate of the ports for Envoys; nil: they have none.
func newFleet(cfg *Config, encrypted *tlsserver.Server, gate *transfer.Gate, recorder *metrics.Recorder) *fleet {
	f := &fleet{ledger: cfg.Replica.Ledger, key: cfg.Replica.Key, transport: peerTransport(encrypted)}
	if f.ledger == nil {
		f.ledger = noLedger{}
	}
	f.replica = api.Replica{
		Name: cmp.Or(cfg.Replica.Name, hostname()), URL: cfg.Replica.URL, Version: cfg.Version, Since: time.Now().UTC().Truncate(time.Second),
	}
	f.Fleet = peer.New(peer.Config{
		Name: f.replica.Name, Ledger: f.ledger, Transport: f.transport, Gate: gate, Logger: cfg.Logger,
		Count: func(o peer.Outcome) { recorder.PeerAsked(string(o)) },
	})
	return f
}

// peerTransport connects to other replicas with this server's certificate.
func peerTransport(encrypted *tlsserver.Server) *http.Transport {
	const dialLimit = 2 * time.Second // peers are near, and there are others
	dialer := &net.Dialer{Timeout: dialLimit}
	t := &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: dialLimit, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute}
	if encrypted != nil {
		t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, dialLimit)
			defer cancel()
			return encrypted.DialPeer(ctx, dialer, network, address)
		}
	}
	return t
}

// serve lets the fleet answer from this replica's state.
func (f *fleet) serve(c *control.Control) { f.control, f.api = c, control.NewAPI(c) }

func (f *fleet) close() { f.transport.CloseIdleConnections() }

// standing is the place among the others, for metrics.
func (f *fleet) standing() (others int, leads, degraded bool) {
	s := f.ledger.Standing()
	return len(f.ledger.Peers()), s.Leads, s.Degraded != ""
}

// Replica describes this replica.
func (f *fleet) Replica() api.Replica {
	r, s := f.replica, f.ledger.Standing()
	r.Self, r.Reachable, r.Leader, r.Waits = true, true, s.Leads, s.Waits
	r.Set = f.api.Snapshot().Version
	r.Envoys = f.api.Counts().Envoys
	if s.Degraded != "" {
		r.Degraded = &api.Error{
			Code: "ledger_unreachable", Message: "this replica serves without its ledger since " + s.Since.UTC().Format(time.RFC3339) + ": " + s.Degraded,
			Hint: "Envoys keep their filters, and proven revisions go on; bring etcd back, and new revisions follow",
		}
	}
	return r
}

// own has the answers of this replica to peers.
type own struct{ *fleet }

// Filter returns a filter of this replica.
func (o own) Filter(name string) (api.Filter, bool) { return o.api.Filter(name) }

// Filters returns the filters of this replica.
func (o own) Filters() []api.Filter { return o.api.Filters() }

// Took takes the GETs of this replica's Envoys that a peer has answered.
func (o own) Took(all []peer.Get) {
	for _, g := range all {
		if !o.control.Gave(g.Token) {
			continue
		}
		var event delivery.Event = delivery.FetchStarted{Token: g.Token, Certificate: g.Client}
		if g.Ended {
			event = delivery.FetchFinished{Token: g.Token, Certificate: g.Client, Complete: g.Complete, Taken: g.Taken}
		}
		o.control.Handle(context.Background(), event)
	}
}

// peerAccess gives peers each module that this replica serves.
type peerAccess struct {
	moduleserver.Access
	served moduleserver.Served
}

// Refuses returns a reason not to answer with a module.
func (a peerAccess) Refuses(r *http.Request, sha256 string) string {
	if peer.IsPeer(r) {
		return a.served.Refuses(r, sha256)
	}
	return a.Access.Refuses(r, sha256)
}
