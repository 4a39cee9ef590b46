package chaos

import (
	"bufio"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Metrics are samples by name and labels, spelled as in the text format.
type Metrics map[string]float64

// ParseMetrics reads the samples of Prometheus' text format.
func ParseMetrics(text string) Metrics {
	m := Metrics{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if v, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			m[line[:i]] = v
		}
	}
	return m
}

// MetricDisagreements returns the differences between the metrics and the API.
func MetricDisagreements(told []Told, m Metrics) (problems []string) {
	want := map[string]float64{}
	for _, state := range []string{harness.Active, harness.Rejected, harness.Removed} {
		want[fmt.Sprintf("wasm_xds_filters{state=%q}", state)] = 0
	}
	for _, state := range []string{harness.Pending, harness.Fetching, harness.Live, harness.Rejected} {
		want[fmt.Sprintf("wasm_xds_subscribers{state=%q}", state)] = 0
	}
	for _, t := range told {
		want[fmt.Sprintf("wasm_xds_filters{state=%q}", t.State)]++
		for _, s := range t.Here() {
			want[fmt.Sprintf("wasm_xds_subscribers{state=%q}", s.State)]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if m[name] != want[name] {
			problems = append(problems, fmt.Sprintf("%s is %v, the API has %v", name, m[name], want[name]))
		}
	}
	return problems
}
