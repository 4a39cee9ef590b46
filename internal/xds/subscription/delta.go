package subscription

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// Delta is the subscription of a delta stream. The zero value has no names. Not safe for concurrent
// use.
type Delta struct{ names names }

// Len is the number of names.
func (d *Delta) Len() int { return len(d.names) }

// First takes the names of a stream's first request. accepted is the request's
// initial_resource_versions.
func (d *Delta) First(l *List, accepted map[string]string) []delivery.Subscription {
	if anew := l.forNew(); anew != nil && len(accepted) == 0 {
		d.names = slices.Clone(l.names)
		return anew
	}
	return d.add(l.all().values(), accepted)
}

// Subscribe takes the names that a later request adds, in any order. A name may be there already:
// the client wants an answer again. Subscribe changes the slice.
func (d *Delta) Subscribe(request []string) []delivery.Subscription {
	slices.Sort(request)
	return d.add(slices.Compact(request), nil)
}

// add takes sorted names.
func (d *Delta) add(request []string, accepted map[string]string) []delivery.Subscription {
	if len(request) == 0 {
		return nil
	}
	subscribe := make([]delivery.Subscription, 0, len(request))
	d.names = slices.Grow(d.names, len(request))
	for _, name := range request {
		if !isWildcard(name) {
			subscribe = append(subscribe, delivery.Subscription{Name: d.names.add(name), Accepted: accepted[name]})
		}
	}
	return subscribe
}

// Unsubscribe takes the names that a request drops. The result is the subscribed names of them,
// sorted.
func (d *Delta) Unsubscribe(request []string) (gone []string) {
	for _, name := range request {
		if d.names.remove(name) {
			gone = append(gone, name)
		}
	}
	slices.Sort(gone)
	return gone
}
