package metrics

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// series are the lines of /metrics with that prefix.
func series(m *Recorder, prefix string) []string {
	var found []string
	for line := range strings.Lines(scrape(m)) {
		if strings.HasPrefix(line, prefix) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func TestSeriesOfFilters(t *testing.T) {
	s, m := someState(), New("")
	if err := m.Watch(s); err != nil {
		t.Fatal(err)
	}
	m.FilterRejected("auth")
	want := []string{
		`wasm_xds_filter_error{filter="auth"} 0`,
		`wasm_xds_filter_error{filter="team/hello"} 1`,
		`wasm_xds_filter_rejections_total{filter="auth"} 1`,
		`wasm_xds_filter_state{filter="auth",state="active"} 1`,
		`wasm_xds_filter_state{filter="team/hello",state="rejected"} 1`,
		`wasm_xds_filter_subscribers{filter="auth",state="live"} 1`,
	}
	if got := series(m, "wasm_xds_filter_"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A forgotten filter has no series any more, and its place is free.
func TestSeriesOfAForgottenFilter(t *testing.T) {
	s, m := someState(), New("")
	if err := m.Watch(s); err != nil {
		t.Fatal(err)
	}
	m.FilterRejected("gone")
	m.FilterForgotten("gone")
	if got := series(m, `wasm_xds_filter_rejections_total{filter="gone"}`); len(got) != 0 || len(m.rejected.names) != 0 {
		t.Errorf("got %v, names %v", got, m.rejected.names)
	}
}

// TestSeriesOfFiltersAreBounded: with any number of specs, and any names that Envoys ask for.
func TestSeriesOfFiltersAreBounded(t *testing.T) {
	s := someState()
	s.filters = nil
	for i := range 3 * maxFilterSeries {
		s.filters = append(s.filters, api.Filter{Name: fmt.Sprintf("f-%04d", i), State: api.FilterActive, Subscribers: []api.Subscriber{{State: api.SubscriberLive}}})
	}
	s.filters = append(s.filters, api.Filter{Name: "a-made-up-name", State: api.FilterUnknown})
	m := New("")
	if err := m.Watch(s); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.filters {
		m.FilterRejected(f.Name)
		m.FilterRejected(f.Name)
	}
	m.FilterRejected("")
	for name, want := range map[string]int{
		"wasm_xds_filter_state": maxFilterSeries + 2, "wasm_xds_filter_error": maxFilterSeries + 1,
		"wasm_xds_filter_subscribers": maxFilterSeries + 1, "wasm_xds_filter_rejections_total": maxFilterSeries + 1,
	} {
		if n := len(series(m, name+"{")); n != want {
			t.Errorf("%s has %d series, want %d", name, n, want)
		}
	}
	others := series(m, `wasm_xds_filter_rejections_total{filter="(others)"}`)
	if want := fmt.Sprintf(`wasm_xds_filter_rejections_total{filter="(others)"} %d`, 2*(2*maxFilterSeries+1)+1); len(others) != 1 || others[0] != want {
		t.Errorf("got %q, want %s", others, want)
	}
}
