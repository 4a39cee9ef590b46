package runner

import (
	"fmt"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
)

// Result is the result of a test of a spec.
type Result struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Trap is the code of the problem that ended the test; "": none.
	Trap string `json:"trap,omitempty"`
	// Doubtful: the failed test is no reason to refuse the filter.
	Doubtful bool      `json:"doubtful,omitempty"`
	Failures []Failure `json:"failures"`
	// Logs are the filter's log lines during the test, including the start.
	Logs     []string      `json:"logs"`
	Duration time.Duration `json:"durationNanoseconds"`
	File     string        `json:"file,omitempty"`
	Line     int           `json:"line,omitempty"`
	// Ran and Called count the runs of each callback, and the calls of each host function, named as
	// in env.proxy_log. nil: the module has not started.
	Ran    map[string]uint64 `json:"-"`
	Called map[string]uint64 `json:"-"`
}

// Failure is a difference from the expected result.
type Failure struct {
	// Step is the test's step, 1-based; 0 if the test has a single step.
	Step int `json:"step,omitempty"`
	// What names the compared part, in the words of the spec: response.status.
	What string `json:"what"`
	Want string `json:"want,omitempty"`
	Got  string `json:"got"`
	// Diff is a line diff of long texts, with - for an expected line and + for an actual line; ""
	// for short texts.
	Diff string `json:"diff,omitempty"`
}

// String returns the failure on a single line.
func (f Failure) String() string {
	var b strings.Builder
	if f.Step > 0 {
		fmt.Fprintf(&b, "step %d: ", f.Step)
	}
	b.WriteString(f.What)
	if f.Diff != "" {
		b.WriteString(" is not as expected")
		return b.String()
	}
	if f.Want != "" {
		fmt.Fprintf(&b, ": expected %s, got %s", finding.OneLine(f.Want), finding.OneLine(f.Got))
		return b.String()
	}
	fmt.Fprintf(&b, ": %s", finding.OneLine(f.Got))
	return b.String()
}
