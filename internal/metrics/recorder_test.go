package metrics

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// fake is a State with fields for tests.
type fake struct {
	filters []api.Filter
	source  api.Source
	ready   bool
}

func (f *fake) Source() api.Source { return f.source }
func (f *fake) Ready() error {
	if f.ready {
		return nil
	}
	return errors.New("there is no snapshot yet")
}

func (f *fake) Counts() api.Counts {
	counts := api.Counts{Filters: map[api.FilterState]int{}, Subscribers: map[api.SubscriberState]int{}}
	for _, one := range f.filters {
		counts.Filters[one.State]++
		if one.Error != nil {
			counts.WithError++
		}
		each := api.FilterCounts{Name: one.Name, State: one.State, WithError: one.Error != nil, Subscribers: map[api.SubscriberState]int{}}
		for _, s := range one.Subscribers {
			counts.Subscribers[s.State]++
			each.Subscribers[s.State]++
		}
		counts.PerFilter = append(counts.PerFilter, each)
	}
	return counts
}

func someState() *fake {
	return &fake{
		ready: true,
		filters: []api.Filter{
			{Name: "auth", State: api.FilterActive, Subscribers: []api.Subscriber{{Node: "edge-1", State: api.SubscriberLive}}},
			{Name: "team/hello", State: api.FilterRejected, Error: &api.Error{Code: "module_missing"}},
		},
		source: api.Source{Directory: "/specs", State: api.SourceOK},
	}
}

// scrape returns the text of /metrics.
func scrape(m *Recorder) string {
	w := httptest.NewRecorder()
	m.Handler(zap.NewNop()).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetricsCount(t *testing.T) {
	m := New("v1.2.3")
	m.Pushed("inline", 1, 100)
	m.Acked(1)
	m.Nacked(api.NackRejected)
	m.StreamOpened("ads-delta")
	m.ModuleServed(200, 42)
	m.SnapshotChanged()
	m.HotLoaded("remote", 30*time.Millisecond)
	m.Resolved(false, time.Second)
	state := someState()
	state.source = api.Source{State: api.SourceUnavailable, Errors: []*api.Error{{}, {}}}
	if err := m.Watch(state); err != nil {
		t.Fatal(err)
	}
	text := scrape(m)
	for _, want := range []string{
		`wasm_xds_pushes_total{variant="inline"} 1`, `wasm_xds_push_bytes_total{variant="inline"} 100`,
		`wasm_xds_acks_total 1`, `wasm_xds_nacks_total{kind="rejected"} 1`, `wasm_xds_streams{mode="ads-delta"} 1`,
		`wasm_xds_module_requests_total{code="200"} 1`, `wasm_xds_module_bytes_total 42`, `wasm_xds_snapshot_changes_total 1`,
		`wasm_xds_hot_load_seconds_count{variant="remote"} 1`, `wasm_xds_resolve_seconds_count{outcome="error"} 1`,
		`wasm_xds_filters{state="active"} 1`, `wasm_xds_subscribers{state="live"} 1`, `wasm_xds_filters_with_error 1`, `wasm_xds_source_errors 2`,
		`wasm_xds_directory_available 0`, `wasm_xds_ready 1`, `version="v1.2.3"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}
