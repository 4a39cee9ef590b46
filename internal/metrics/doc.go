// Package metrics has the metrics behind /metrics, in Prometheus' format. docs/metrics.md lists all
// of them.
//
// [Recorder] counts events as they happen. internal/control declares the methods that it calls as
// an interface, and does not know Prometheus. [Recorder.Watch] adds gauges, which each scrape
// reads from a [State], so the metrics and the API cannot disagree.
//
// Files, in the order of reading: recorder.go has the counters, collector.go the gauges of the
// whole server, perfilter.go the gauges of each filter, bounds.go the bound on the number of
// series, outcomes.go how edits end, webhooks.go the messages to webhooks. A Recorder is safe for
// concurrent use.
package metrics
