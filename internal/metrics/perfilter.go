package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

var (
	descFilterState = prometheus.NewDesc("wasm_xds_filter_state",
		"1 for the state that each filter is in; of the filters behind the first 500, how many are.", []string{"filter", "state"}, nil)
	descFilterError = prometheus.NewDesc("wasm_xds_filter_error",
		"1 while a filter's newest content is not served.", []string{"filter"}, nil)
	descFilterSubscribers = prometheus.NewDesc("wasm_xds_filter_subscribers",
		"Each filter on Envoys' streams, by state.", []string{"filter", "state"}, nil)
)

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

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}
