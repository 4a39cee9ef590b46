package profile

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// Options bound a profile. The zero value of each field means its default.
type Options struct {
	// Requests is the total number of requests, at least as many as the tests have steps; 10,000.
	// While memory grows, the profile sends up to sixteen times as many, because a heap with
	// garbage collection may need them to stop growing.
	Requests int
	Time     time.Duration // for all requests; 30 s
	// Progress is called now and then with the number of finished requests and the total; nil: no
	// calls.
	Progress func(done, of int)
}

// Result is the cost of a filter in the sandbox. Times cover the filter and the host
// functions that it calls, compiled to machine code. Envoy's own part of a request is not included.
type Result struct {
	Requests int `json:"requests"`
	// CutShort says whether the time ran out before the last request.
	CutShort bool          `json:"cutShort"`
	Duration time.Duration `json:"durationNanoseconds"`
	Cost
	Functions []FunctionCalls `json:"functions"` // the called functions, most calls first
	Memory    MemoryGrowth    `json:"memory"`
	Steps     []StepCost      `json:"steps"`
	// Problem has ended the profile, like a trap in the thousandth request; nil: no problem.
	Problem *finding.Problem `json:"-"`
	// Warnings has growing memory.
	Warnings []finding.Problem `json:"-"`
}

// Cost is the cost of a request.
type Cost struct {
	Median    time.Duration `json:"medianNanoseconds"`
	P99       time.Duration `json:"p99Nanoseconds"`
	HostCalls float64       `json:"hostCallsPerRequest"`
}

// StepCost is the cost of a step of a test: a request, or a connection.
type StepCost struct {
	Test     string `json:"test"`
	Step     int    `json:"step,omitempty"` // 1-based; 0 if the test has a single step
	Requests int    `json:"requests"`
	Cost
}

// FunctionCalls is the average number of calls of a host function in a request.
type FunctionCalls struct {
	Name       string  `json:"name"` // module.name
	PerRequest float64 `json:"perRequest"`
}

// MemoryGrowth is the linear memory's size, in pages of 64 KiB.
type MemoryGrowth struct {
	Start uint32 `json:"startPages"` // after the filter's start
	Half  uint32 `json:"halfPages"`  // after half of the requests
	End   uint32 `json:"endPages"`
	// BytesPerRequest is the growth over the second half; 0: none.
	BytesPerRequest float64 `json:"bytesPerRequest"`
}

func costOf(samples []time.Duration, calls uint64) Cost {
	if len(samples) == 0 {
		return Cost{}
	}
	sorted := slices.Sorted(slices.Values(samples))
	at := func(share float64) time.Duration {
		return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
	}
	return Cost{Median: at(0.5), P99: at(0.99), HostCalls: float64(calls) / float64(len(sorted))}
}

func pageCount(n uint32) string {
	if n == 1 {
		return "1 page"
	}
	return fmt.Sprintf("%d pages", n)
}

// roundTime leaves three digits or so.
func roundTime(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
