// Package doctor finds the mistakes in an Envoy's configuration because of which filters of
// wasm-xds do not work. Many of them are silent: Envoy accepts the configuration and waits.
//
// [Check] and [CheckRunning] are pure. They look at a configuration, of a file or of a running
// Envoy, and at the specs, if they are known. exam.go decides which filters wasm-xds should serve,
// and collects findings. Each further file has a topic: the sources of filters (sources.go), the
// clusters (clusters.go), the filters and their order (filters.go), names and specs (names.go), the
// start of Envoy (boot.go), and the state of a running Envoy (running.go). patch.go writes the
// proposed edits of findings.
package doctor
