// Package doctor finds the mistakes in an Envoy's configuration that keep filters of wasm-xds from
// working. Many of them are silent: Envoy accepts the configuration and waits.
//
// [Check] and [CheckRunning] are pure. They look at a configuration, of a file or of a running
// Envoy, and at the specs, if they are known. exam.go decides which filters wasm-xds should serve,
// and collects findings. Each further file has one topic: the sources of filters (sources.go), the
// clusters (clusters.go), the filters and their order (filters.go), names and specs (names.go), the
// start of Envoy (boot.go), and the state of a running Envoy (running.go). patch.go writes the
// edits that findings propose.
package doctor
