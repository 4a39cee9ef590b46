package admin

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// maxFilterSeries bounds the filters with series of their own. Filters beyond, by name, are
// counted together under the name otherFilters, which no spec can have.
const (
	maxFilterSeries = 500
	otherFilters    = "(others)"
)

var (
	descFilterState = prometheus.NewDesc("wasm_xds_filter_state",
		"1 for the state that each filter is in; of the filters behind the first 500, how many are.", []string{"filter", "state"}, nil)
	descFilterError = prometheus.NewDesc("wasm_xds_filter_error",
		"1 while a filter's newest content is not served.", []string{"filter"}, nil)
	descFilterSubscribers = prometheus.NewDesc("wasm_xds_filter_subscribers",
		"Each filter on Envoys' streams, by state.", []string{"filter", "state"}, nil)
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

// collectFilters has a series for each of the first filters, and the sums of the rest.
func collectFilters(all []api.FilterCounts, gauge func(*prometheus.Desc, int, ...string)) {
	first, others := bounded(all, maxFilterSeries)
	for _, f := range first {
		gauge(descFilterState, 1, f.Name, string(f.State))
		gauge(descFilterError, number(f.WithError), f.Name)
		for state, n := range f.Subscribers {
			if n > 0 {
				gauge(descFilterSubscribers, n, f.Name, string(state))
			}
		}
	}
	states, subscribers, errors := map[api.FilterState]int{}, map[api.SubscriberState]int{}, 0
	for _, f := range others {
		states[f.State]++
		errors += number(f.WithError)
		for state, n := range f.Subscribers {
			subscribers[state] += n
		}
	}
	for state, n := range states {
		gauge(descFilterState, n, otherFilters, string(state))
	}
	for state, n := range subscribers {
		if n > 0 {
			gauge(descFilterSubscribers, n, otherFilters, string(state))
		}
	}
	if len(others) > 0 {
		gauge(descFilterError, errors, otherFilters)
	}
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

// FilterRejected counts a revision of the filter that an Envoy refused. "" is a name without a
// spec.
func (m *Metrics) FilterRejected(name string) {
	if m != nil {
		m.rejections.WithLabelValues(m.rejected.label(name)).Inc()
	}
}

// FilterForgotten ends the series of a forgotten filter.
func (m *Metrics) FilterForgotten(name string) {
	if m == nil {
		return
	}
	m.rejected.mu.Lock()
	defer m.rejected.mu.Unlock()
	delete(m.rejected.names, name)
	m.rejections.DeleteLabelValues(name)
}
