package control

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// envoyKey tells Envoys apart: two Envoys with the same node id have two connections. Without ADS
// an Envoy has a stream for each filter, all on the same connection.
type envoyKey struct{ node, address string }

// envoys are the connected and the gone Envoys.
type envoys struct {
	here map[envoyKey]*envoy
	gone []*envoy // the longest gone first
}

type envoy struct {
	node    delivery.Node
	mode    string
	streams int
	since   time.Time // the start of the first stream; after the last stream, the time at which the Envoy has gone
	began   time.Time // the start of the first stream
	// last has the filters of ended streams, by name.
	last map[string]api.NodeFilter
}

// goneEnvoys and goneEnvoyTime bound how many gone Envoys are remembered, and how long.
const (
	goneEnvoys    = 200
	goneEnvoyTime = 24 * time.Hour
)

func newEnvoys() envoys { return envoys{here: map[envoyKey]*envoy{}} }

func keyOf(n delivery.Node) envoyKey { return envoyKey{n.ID, n.Address} }

// open takes a new stream, and says whether the stream is its Envoy's first.
func (e *envoys) open(n delivery.Node, mode string, now time.Time) (first bool) {
	one := e.here[keyOf(n)]
	if one == nil {
		one, first = &envoy{node: n, mode: mode, since: now, began: now}, true
		e.here[keyOf(n)] = one
		// As far as the id tells, this Envoy had gone and has come back.
		if i := slices.IndexFunc(e.gone, func(g *envoy) bool { return g.node.ID == n.ID && g.node.Cluster == n.Cluster }); i >= 0 {
			e.gone = slices.Delete(e.gone, i, i+1)
		}
	}
	one.streams++
	return first
}

// close takes the end of a stream, with the filters of the Envoy at that moment. It returns
// the Envoy after its last stream, else nil.
func (e *envoys) close(n delivery.Node, filters []api.NodeFilter, now time.Time) *envoy {
	one := e.here[keyOf(n)]
	if one == nil {
		return nil
	}
	if one.last == nil {
		one.last = make(map[string]api.NodeFilter, len(filters))
	}
	for _, f := range filters {
		f.State = api.SubscriberGone
		one.last[f.Name] = f
	}
	if one.streams--; one.streams > 0 {
		return nil
	}
	delete(e.here, keyOf(n))
	one.since = now
	e.gone = append(e.gone, one)
	if len(e.gone) > goneEnvoys {
		e.gone = slices.Delete(e.gone, 0, 1)
	}
	return one
}

// recent returns the remembered gone Envoys.
func (e *envoys) recent(now time.Time) []*envoy {
	e.gone = slices.DeleteFunc(e.gone, func(g *envoy) bool { return now.Sub(g.since) > goneEnvoyTime })
	return e.gone
}

// filters returns the Envoy's last filters, sorted by name.
func (o *envoy) filters() []api.NodeFilter {
	return slices.SortedFunc(maps.Values(o.last), func(a, b api.NodeFilter) int { return cmp.Compare(a.Name, b.Name) })
}

// lastShown is how many filters a line of the log names.
const lastShown = 20

// ran returns the Envoy's last filters, as name=revision.
func (o *envoy) ran() []string {
	var words []string
	for _, f := range o.filters() {
		if len(words) == lastShown {
			break
		}
		words = append(words, f.Name+"="+cmp.Or(f.Revision, "nothing"))
	}
	return words
}

func (c *Control) streamOpened(e delivery.StreamOpened, now time.Time) {
	info := streamInfo{mode: mode(e.ADS, e.Delta), since: now, node: e.Node}
	c.opened[e.Stream] = info
	c.cfg.Metrics.StreamOpened(info.mode)
	if !c.envoys.open(e.Node, info.mode, now) {
		return
	}
	c.cfg.Logger.Info("an Envoy has connected", zap.String("node", e.Node.ID), zap.String("cluster", e.Node.Cluster),
		zap.String("envoy", e.Node.Version), zap.String("address", e.Node.Address), zap.String("mode", info.mode))
	c.hub.Publish(api.Event{Type: api.EventNode, Name: e.Node.ID, State: string(api.NodeConnected), Time: now})
}

// streamClosed must run before delivery forgets the stream.
func (c *Control) streamClosed(e delivery.StreamClosed, now time.Time) {
	info, known := c.opened[e.Stream]
	if !known {
		return
	}
	c.cfg.Metrics.StreamClosed(info.mode)
	delete(c.opened, e.Stream)
	var filters []api.NodeFilter
	if s, ok := c.machine.Stream(e.Stream); ok {
		filters = c.nodeFilters(s)
	}
	gone := c.envoys.close(info.node, filters, now)
	if gone == nil {
		return
	}
	c.cfg.Logger.Info("an Envoy has gone", zap.String("node", gone.node.ID), zap.String("cluster", gone.node.Cluster),
		zap.String("envoy", gone.node.Version), zap.String("address", gone.node.Address),
		zap.Duration("connected", now.Sub(gone.began).Round(time.Millisecond)),
		zap.Int("filters", len(gone.last)), zap.String("ran", strings.Join(gone.ran(), " ")))
	c.hub.Publish(api.Event{Type: api.EventNode, Name: gone.node.ID, State: string(api.NodeGone), Time: now})
}

// goneNode is the API's form of a gone Envoy.
func (o *envoy) goneNode() api.Node {
	return api.Node{
		ID: o.node.ID, Cluster: o.node.Cluster, Address: o.node.Address, Envoy: o.node.Version,
		Mode: o.mode, State: api.NodeGone, Since: o.since, Filters: o.filters(),
	}
}
