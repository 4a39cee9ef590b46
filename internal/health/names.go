package health

import "strconv"

// The names of the comparisons.
const (
	nameTraps      = "traps"
	nameBypassed   = "bypassed"
	nameErrors     = "5xx"
	nameDenials    = "4xx"
	nameP50        = "p50"
	nameP99        = "p99"
	nameHeap       = "heap"
	nameMemory     = "memory"
	metricPrefix   = "metric:"
	namePrometheus = "prometheus"
)

// The units of the comparisons. Numbers of events have none.
const (
	unitPercent      = "%"
	unitMilliseconds = "ms"
	unitBytes        = "B"
)

func percent(p float64) string   { return strconv.FormatFloat(p, 'f', decimals(p), 64) + "%" }
func millis(ms float64) string   { return strconv.FormatFloat(ms, 'f', decimals(ms), 64) + " ms" }
func mebibytes(n float64) string { return strconv.FormatFloat(n/(1<<20), 'f', 1, 64) + " MiB" }
func points(p float64) string    { return strconv.FormatFloat(p, 'f', 1, 64) + " percentage points" }

// decimals gives small numbers more of them.
func decimals(v float64) int {
	switch {
	case v == 0 || v >= 100:
		return 0
	case v >= 1:
		return 1
	}
	return 2
}

func requests(n uint64) string {
	if n == 1 {
		return "1 request"
	}
	return grouped(n) + " requests"
}

// isOrAre is "1 is" or "2 are".
func isOrAre(n uint64) string {
	if n == 1 {
		return "1 is"
	}
	return grouped(n) + " are"
}

// grouped is 1,204 for 1204.
func grouped(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
