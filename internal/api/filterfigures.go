package api

import "time"

// FilterFigures are the figures of the last minutes of the Envoys with a filter, as GET
// /api/v1/filters/{name}/figures answers. Envoy counts requests for all of its HTTP listeners
// together, not for a filter.
type FilterFigures struct {
	Name    string      `json:"name"`
	Seconds int         `json:"seconds"` // between two points
	Canary  FiguresSide `json:"canary"`  // the Envoys with the revision that rolls out, or is watched
	Stable  FiguresSide `json:"stable"`  // the Envoys with the stable revision
}

// FiguresSide has the figures of the Envoys with a revision.
type FiguresSide struct {
	Revision  string `json:"revision"`  // "": no Envoy has one
	Envoys    int    `json:"envoys"`    // with the revision
	Reporting int    `json:"reporting"` // how many of them the points have figures of; of many Envoys, some are left out
	// Points are sorted by time. Stretches without a report have no point. It is never null.
	Points []FiguresPoint `json:"points"`
}

// FiguresPoint has the figures of a stretch of time: sums over the Envoys.
type FiguresPoint struct {
	At time.Time `json:"at"` // the end of the stretch
	// Seconds is the time that the reports of an Envoy span, as the mean of the Envoys: a stretch
	// under way has only a part of its reports. Requests divided by Seconds is the rate.
	Seconds  float64 `json:"seconds"`
	Requests uint64  `json:"requests"`
	Errors   uint64  `json:"5xx"`
	Denials  uint64  `json:"4xx"`
	P50      float64 `json:"p50"` // of the request time, in milliseconds; 0: no request
	P99      float64 `json:"p99"`
	Traps    uint64  `json:"traps"`
	Bypassed uint64  `json:"bypassed"` // an estimate; 0 unless the failure policy is open
}
