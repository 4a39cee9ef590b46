package metrics

import (
	"maps"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

var (
	descFilters = prometheus.NewDesc("wasm_xds_filters",
		"Filters, by state.", []string{"state"}, nil)
	descErrors = prometheus.NewDesc("wasm_xds_filters_with_error",
		"Filters whose newest content is not served, whatever their state.", nil, nil)
	descSubscribers = prometheus.NewDesc("wasm_xds_subscribers",
		"Filters on Envoys' streams, by state.", []string{"state"}, nil)
	descSourceErrors = prometheus.NewDesc("wasm_xds_source_errors",
		"Problems in the specs, as they are now.", nil, nil)
	descAvailable = prometheus.NewDesc("wasm_xds_directory_available",
		"1 while the specs can be read, from a directory or a registry, else 0; what was served is served on.", nil, nil)
	descDegraded = prometheus.NewDesc("wasm_xds_source_degraded",
		"1 while something is wrong with where the specs come from, and they can be read all the same.", nil, nil)
	descWithoutModules = prometheus.NewDesc("wasm_xds_envoys_without_modules",
		"Envoys that do not reach the module server: modules are sent inline to them.", nil, nil)
	descRollouts = prometheus.NewDesc("wasm_xds_rollouts",
		"Rollouts under way, by state.", []string{"state"}, nil)
	descOverdue = prometheus.NewDesc("wasm_xds_rollouts_overdue",
		"Rollouts under way that are past their deadline.", nil, nil)
	descFrozen = prometheus.NewDesc("wasm_xds_frozen",
		"1 while a user has frozen the server, so that no revision goes further.", nil, nil)
	descFromState = prometheus.NewDesc("wasm_xds_snapshot_from_state",
		"1 while the server serves the state of an earlier process, because the specs have not been read yet.", nil, nil)
	descReady = prometheus.NewDesc("wasm_xds_ready",
		"1 when a snapshot can be served.", nil, nil)
)

// State has the figures that the gauges show. Any goroutine may call the methods.
type State interface {
	// Counts returns the numbers of filters and subscribers, without a listing of all Envoys.
	Counts() api.Counts
	Source() api.Source
	// Ready says whether a snapshot can be served.
	Ready() error
}

// stateCollector reads the state on each scrape, so gauges and API cannot disagree.
type stateCollector struct{ state State }

func (c stateCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descFilters, descErrors, descSubscribers, descSourceErrors, descAvailable, descDegraded, descWithoutModules, descReady, descRollouts, descOverdue, descFrozen, descFromState, descFilterState, descFilterError, descFilterSubscribers,
	} {
		out <- d
	}
}

func (c stateCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	filters := map[api.FilterState]int{api.FilterActive: 0, api.FilterRejected: 0, api.FilterRemoved: 0, api.FilterUnknown: 0, api.FilterPreparing: 0}
	subscribers := map[api.SubscriberState]int{
		api.SubscriberPending: 0, api.SubscriberFetching: 0, api.SubscriberLive: 0, api.SubscriberRejected: 0, api.SubscriberDenied: 0, api.SubscriberUnsupported: 0, api.SubscriberGone: 0,
	}
	counts := c.state.Counts()
	maps.Copy(filters, counts.Filters)
	maps.Copy(subscribers, counts.Subscribers)
	for state, n := range filters {
		gauge(descFilters, n, string(state))
	}
	for state, n := range subscribers {
		gauge(descSubscribers, n, string(state))
	}
	collectFilters(counts.PerFilter, gauge)
	rollouts := map[api.RolloutState]int{}
	for _, state := range []api.RolloutState{
		api.RolloutProgressing, api.RolloutWaiting, api.RolloutSoaking, api.RolloutPaused, api.RolloutFrozen, api.RolloutWatching, api.RolloutStopped,
	} {
		rollouts[state] = 0
	}
	maps.Copy(rollouts, counts.Rollouts)
	for state, n := range rollouts {
		gauge(descRollouts, n, string(state))
	}
	gauge(descOverdue, counts.Overdue)
	gauge(descFrozen, number(counts.Frozen))
	gauge(descFromState, number(counts.FromState))
	gauge(descErrors, counts.WithError)
	gauge(descWithoutModules, counts.WithoutModules)
	source := c.state.Source()
	gauge(descSourceErrors, len(source.Errors))
	gauge(descAvailable, number(source.State != api.SourceUnavailable))
	gauge(descDegraded, number(source.State == api.SourceDegraded))
	gauge(descReady, number(c.state.Ready() == nil))
}
