// Package metrics has the metrics that /metrics serves, in Prometheus' format. docs/metrics.md lists
// them.
//
// [Recorder] counts events as they happen: [github.com/wasm-xds/wasm-xds/internal/control] declares
// the methods that it calls as an interface of its own. [Recorder.Watch] adds gauges that are read
// from a [State] on each scrape, so that the metrics and the API cannot disagree.
//
// The files, in the order of reading: recorder.go has the counters, collector.go the gauges of the
// whole, perfilter.go the gauges of each filter, and bounds.go the bound on the number of series.
package metrics
