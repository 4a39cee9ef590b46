// Package signal keeps the reports of Envoys about themselves over time: requests, failures, times,
// traps of modules, and the modules' own counters. Health compares Envoys by these figures.
//
// The package is a store without I/O and clocks: the caller passes each report with the time of
// its arrival. Envoy's own clock plays no part, so a wrong clock on a host changes nothing.
//
// # From a report to figures
//
// [ReadReport] takes the interesting stats out of a message of Envoy's metrics service. A [Source]
// is a stream of messages. Envoy reports counters since its start, so the source keeps the last
// value of each counter, and adds the differences as a point to its Envoy. Times come as a summary
// of the interval, and are added as they are. [Store.Between] sums the points of a span.
//
// # Restarts
//
// A process is recognised by its start, which is the time of a report minus server.uptime. If the
// stream of a process breaks and another stream of the same process begins, the differences go on.
// A new process counts from zero: its first report is a point from the start on. A counter that
// falls within a process was made anew, as those of a changed listener are, and counts from zero.
// During a hot restart, the old and the new process are two sources of an Envoy, and their figures
// are added.
//
// # Bounds
//
// An Envoy has at most [Limits].Names counters and [Limits].EnvoyBytes bytes. Beyond the points of
// an Envoy, older points are merged with their neighbours: a sum stays right, and its resolution
// falls. A span includes only the points that lie wholly within it.
//
// Read the files in this order: histogram.go and figures.go have the results, name.go the stats'
// names, report.go and failures.go read messages, point.go keeps one span, points.go and traps.go
// all spans of an Envoy, process.go the last values, envoy.go an Envoy, and store.go the whole.
package signal
