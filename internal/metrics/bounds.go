package metrics

import (
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// maxFilterSeries bounds the filters with series of their own. Filters beyond, by name, are
// counted together under the name otherFilters, which no spec can have.
const (
	maxFilterSeries = 500
	otherFilters    = "(others)"
)

// bounded splits the filters with series of their own from the rest. A name without a spec comes
// from the network, and never has a series.
func bounded(all []api.FilterCounts, most int) (first, others []api.FilterCounts) {
	for _, f := range all {
		if f.State == api.FilterUnknown || len(first) == most {
			others = append(others, f)
		} else {
			first = append(first, f)
		}
	}
	return first, others
}

// filterNames bounds the names of a counter: the first names get series. The zero value has none.
type filterNames struct {
	mu    sync.Mutex
	names map[string]struct{}
}

func (n *filterNames) label(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if name == "" {
		return otherFilters
	}
	if _, known := n.names[name]; known {
		return name
	}
	if len(n.names) >= maxFilterSeries {
		return otherFilters
	}
	if n.names == nil {
		n.names = map[string]struct{}{}
	}
	n.names[name] = struct{}{}
	return name
}

// forget frees the name's place and calls remove before another name can take the place.
func (n *filterNames) forget(name string, remove func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.names, name)
	remove()
}
