// Package door remembers the connections that the server has turned away, for the status: the
// streams that were ended because of a limit, the visitors that speak another protocol than a port
// does, and the clients that claim more than their certificates cover.
//
// limits.go, visitors.go and claims.go have the bounded tables, and this file the [Door] that
// counts and logs.
package door

import (
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Metrics counts refused streams and visitors. Any goroutine may call the methods.
type Metrics interface {
	// StreamRefused counts a stream that ended because of a limit.
	StreamRefused(limit string)
	// Visited counts a connection that speaks another protocol than its port.
	Visited(port, speaks string)
	// ClaimRefused counts a claim that the certificate of a client does not cover.
	ClaimRefused(claim string)
}

// Door remembers refused streams and visitors. Any goroutine may call the methods.
type Door struct {
	metrics  Metrics
	log      *zap.Logger
	limits   limits
	visitors visitors
	claims   claims
}

// New returns a door at which nothing was turned away yet.
func New(metrics Metrics, log *zap.Logger) *Door { return &Door{metrics: metrics, log: log} }

// StreamRefused notes that a stream was ended because of a limit.
func (d *Door) StreamRefused(one api.Limit) {
	d.metrics.StreamRefused(one.Name)
	if d.limits.note(one, time.Now()) {
		d.log.Warn("a client reached a limit; its Envoy keeps its filters",
			zap.String("limit", one.Flag), zap.Int("most", one.Most), zap.String("node", one.Node), zap.String("address", one.Address))
	}
}

// Limits returns the limits for which streams were ended, sorted by name.
func (d *Door) Limits() []api.Limit { return d.limits.all() }

// Visited notes a connection that began with another protocol than its port speaks.
func (d *Door) Visited(one api.Visitor) {
	d.metrics.Visited(one.Port, one.Speaks)
	if d.visitors.note(one, time.Now()) {
		fields := []zap.Field{zap.String("hint", one.Hint), zap.String("address", one.Address)}
		if one.Node != "" {
			fields = append(fields, zap.String("node", one.Node))
		}
		d.log.Warn(one.Message, fields...)
	}
}

// Visitors returns the hosts of the last hour that spoke another protocol than a port does.
func (d *Door) Visitors() []api.Visitor { return d.visitors.recent(time.Now()) }

// ClaimRefused notes a claim that the certificate of a client does not cover. key is equal for
// certificates with the same names.
func (d *Door) ClaimRefused(key string, one api.ClaimRefusal) {
	d.metrics.ClaimRefused(one.Claim)
	if d.claims.note(key, one, time.Now()) {
		d.log.Warn(one.Message, zap.String("hint", one.Hint), zap.String("address", one.Address))
	}
}

// ClaimRefusals returns the refused claims of the last hour.
func (d *Door) ClaimRefusals() []api.ClaimRefusal { return d.claims.recent(time.Now()) }
