// Package fleet knows the connected Envoys, and the gone Envoys with the filters that they ran. The
// package is pure: it has no clock.
//
// Two Envoys with the same node id have two connections. Without ADS, an Envoy has a stream for
// each filter, all on the same connection: such streams are one Envoy.
package fleet

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// Key tells Envoys apart.
type Key struct{ node, address string }

// KeyOf returns the key of a node.
func KeyOf(n delivery.Node) Key { return Key{n.ID, n.Address} }

// Stream is an open stream.
type Stream struct {
	Node  delivery.Node
	Mode  string // as in [api.Node]
	Since time.Time
}

// Envoys are the connected and the gone Envoys. They belong to one goroutine.
type Envoys struct {
	streams map[delivery.StreamID]Stream
	here    map[Key]*Envoy
	gone    []*Envoy // the longest gone first
}

// Envoy is an Envoy with a stream, or one that has gone.
type Envoy struct {
	Node    delivery.Node
	Began   time.Time // the start of the first stream
	mode    string
	streams int
	gone    time.Time // the end of the last stream; zero: it is connected
	// last has the filters of ended streams, by name. unknown counts the names without a spec.
	last    map[string]api.NodeFilter
	unknown int
}

// goneEnvoys and goneEnvoyTime bound how many gone Envoys are remembered, and how long.
const (
	goneEnvoys    = 200
	goneEnvoyTime = 24 * time.Hour
)

// goneUnknown bounds the names without a spec that an Envoy keeps after its end. Clients can make
// up ten thousand names for each of their nodes; a few names suffice to find a misspelt one.
const goneUnknown = 20

// New returns a fleet without Envoys.
func New() *Envoys { return &Envoys{streams: map[delivery.StreamID]Stream{}, here: map[Key]*Envoy{}} }

// Open takes a new stream. first: it is the first stream of its Envoy.
func (e *Envoys) Open(s delivery.StreamOpened, now time.Time) (opened Stream, first bool) {
	opened = Stream{Node: s.Node, Mode: mode(s.ADS, s.Delta), Since: now}
	e.streams[s.Stream] = opened
	one := e.here[KeyOf(s.Node)]
	if one == nil {
		one, first = &Envoy{Node: s.Node, mode: opened.Mode, Began: now}, true
		e.here[KeyOf(s.Node)] = one
		// As far as the id tells, this Envoy had gone and has come back.
		if i := slices.IndexFunc(e.gone, func(g *Envoy) bool { return g.Node.ID == s.Node.ID && g.Node.Cluster == s.Node.Cluster }); i >= 0 {
			e.gone = slices.Delete(e.gone, i, i+1)
		}
	}
	one.streams++
	return opened, first
}

// Connected is the number of Envoys with a stream.
func (e *Envoys) Connected() int { return len(e.here) }

// Stream returns an open stream; the zero value: there is none.
func (e *Envoys) Stream(id delivery.StreamID) Stream { return e.streams[id] }

// Close takes the end of a stream, with the filters of the Envoy at that moment. known: the
// stream was open. gone is the Envoy after its last stream, else nil.
func (e *Envoys) Close(id delivery.StreamID, filters []api.NodeFilter, now time.Time) (closed Stream, known bool, gone *Envoy) {
	closed, known = e.streams[id]
	delete(e.streams, id)
	one := e.here[KeyOf(closed.Node)]
	if !known || one == nil {
		return closed, known, nil
	}
	one.keep(filters)
	if one.streams--; one.streams > 0 {
		return closed, true, nil
	}
	delete(e.here, KeyOf(closed.Node))
	one.gone, one.Node.Metadata = now, nil // nobody asks for it any more
	e.gone = append(e.gone, one)
	if len(e.gone) > goneEnvoys {
		e.gone = slices.Delete(e.gone, 0, 1)
	}
	return closed, true, one
}

// keep keeps the filters of an ended stream.
func (o *Envoy) keep(filters []api.NodeFilter) {
	if o.last == nil {
		o.last = map[string]api.NodeFilter{}
	}
	for _, f := range filters {
		if _, kept := o.last[f.Name]; !kept && f.Error != nil && f.Error.Code == delivery.CodeUnknownFilter {
			if o.unknown == goneUnknown {
				continue
			}
			o.unknown++
		}
		f.State = api.SubscriberGone
		o.last[f.Name] = f
	}
}

// Gone returns the remembered gone Envoys, the longest gone first.
func (e *Envoys) Gone(now time.Time) []*Envoy {
	e.gone = slices.DeleteFunc(e.gone, func(g *Envoy) bool { return now.Sub(g.gone) > goneEnvoyTime })
	return e.gone
}

// Filters returns the last filters of a gone Envoy, sorted by name.
func (o *Envoy) Filters() []api.NodeFilter {
	return slices.SortedFunc(maps.Values(o.last), func(a, b api.NodeFilter) int { return cmp.Compare(a.Name, b.Name) })
}

// lastShown is how many filters a line of the log names.
const lastShown = 20

// Ran returns the last filters of a gone Envoy for the log, as name=revision.
func (o *Envoy) Ran() []string {
	var words []string
	for _, f := range o.Filters() {
		if len(words) == lastShown {
			break
		}
		words = append(words, f.Name+"="+cmp.Or(f.Revision, "nothing"))
	}
	return words
}

// APINode is the API's form of a gone Envoy.
func (o *Envoy) APINode() api.Node {
	return api.Node{
		ID: o.Node.ID, Cluster: o.Node.Cluster, Identity: o.Node.Identity, Address: o.Node.Address, Envoy: o.Node.Version,
		Mode: o.mode, State: api.NodeGone, Since: o.gone, Filters: o.Filters(),
	}
}

func mode(ads, isDelta bool) string {
	name := "ecds"
	if ads {
		name = "ads"
	}
	if isDelta {
		return name + "-delta"
	}
	return name + "-sotw"
}
