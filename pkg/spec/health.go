package spec

import (
	"math"
	"time"
)

// Health has the limits by which a rollout judges a revision while Envoys run it. A decoded Health
// has all defaults filled in. Each limit is for a wave of the rollout; see docs/health.md.
type Health struct {
	// MinRequests is the number of requests that each side needs for a comparison.
	MinRequests uint64      `json:"minRequests"`
	Traps       CountLimit  `json:"traps"`    // failures of the filter's VMs
	Bypassed    CountLimit  `json:"bypassed"` // requests that passed without the filter
	Errors      ShareLimit  `json:"errors"`   // responses with a status of 5xx
	Denials     ShareLimit  `json:"denials"`  // responses with a status of 4xx
	P50         DelayLimit  `json:"p50"`      // median of the time of requests
	P99         DelayLimit  `json:"p99"`      // the time that 99 of 100 requests do not exceed
	Memory      GrowthLimit `json:"memory"`   // growth of an Envoy's memory
	// Metrics are limits on the filter's own counters, by the name in the filter.
	Metrics map[string]MetricLimit `json:"metrics,omitempty"`
	// Prometheus is a question to a Prometheus server; nil: none.
	Prometheus *PrometheusLimit `json:"prometheus,omitempty"`
	// After is how long a revision is watched after it became everyone's; 0: not at all. The After
	// of a step means nothing.
	After time.Duration `json:"after"`
}

// CountLimit bounds a number of events.
type CountLimit struct {
	Off bool   `json:"off,omitempty"` // no limit
	Max uint64 `json:"max"`
	// Named says the spec names the limit: it is no default.
	Named bool `json:"named,omitempty"`
}

// ShareLimit bounds a share of the requests, where 0.01 is one percent.
type ShareLimit struct {
	Off bool `json:"off,omitempty"` // no limit
	// Over is how much higher than on the stable side the share may be; 1: any share may be.
	Over float64 `json:"over"`
	// Max is the largest share, whatever the stable side has; 0: no such limit.
	Max float64 `json:"max,omitempty"`
	// Named says the spec names the limit: it is no default.
	Named bool `json:"named,omitempty"`
}

// DelayLimit bounds a quantile of the time of requests. The quantile may exceed the stable side's
// by Over, or by OverShare of the stable side's, whichever is more.
type DelayLimit struct {
	Off       bool          `json:"off,omitempty"` // no limit
	Over      time.Duration `json:"over"`
	OverShare float64       `json:"overShare,omitempty"` // 0.2 is 20 percent
	// Max is the largest value of the quantile, whatever the stable side has; 0: no such limit.
	Max time.Duration `json:"max,omitempty"`
	// Named says the spec names the limit: it is no default.
	Named bool `json:"named,omitempty"`
}

// GrowthLimit bounds how much more memory Envoys may take during a wave than the stable side does.
type GrowthLimit struct {
	Off bool `json:"off,omitempty"` // no limit
	// Max bounds the growth of an Envoy's own heap, in bytes; 0: no such limit.
	Max int64 `json:"max,omitempty"`
	// Share bounds the growth of the share of its memory limit that an Envoy uses, modules
	// included, where 0.1 is ten percentage points; 0: no such limit.
	Share float64 `json:"share,omitempty"`
	// Named says the spec names the limit: it is no default.
	Named bool `json:"named,omitempty"`
}

// MetricLimit bounds a counter of a filter. Exactly one of the numbers is used: Share if IsShare is
// set, else Count.
type MetricLimit struct {
	IsShare bool    `json:"isShare,omitempty"`
	Share   float64 `json:"share,omitempty"` // of the requests; 0.05 is 5 percent
	Count   uint64  `json:"count,omitempty"`
}

// PrometheusLimit is a question to a Prometheus server. No sample of its answer may exceed Max.
type PrometheusLimit struct {
	URL   string  `json:"url"`   // http or https, without a user
	Query string  `json:"query"` // in PromQL; docs/health.md lists the variables in it
	Max   float64 `json:"max"`
	// TokenFile has a bearer token, and PasswordFile a line user:password. At most one of them is
	// set. The paths are absolute; "": none.
	TokenFile    string `json:"tokenFile,omitempty"`
	PasswordFile string `json:"passwordFile,omitempty"`
	// CAFile has the certificates of authorities in PEM; "": the system's.
	CAFile string `json:"caFile,omitempty"`
	// Bounds are the places that the files may lead to; nil: every place. Decoding leaves it nil.
	Bounds *Bounds `json:"bounds,omitempty"`
}

// NoDelayLimit is the Over of a [DelayLimit] that compares nothing: only its Max is a limit.
const NoDelayLimit = time.Duration(math.MaxInt64)
