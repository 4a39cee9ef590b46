package chaos

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// shownOf is the right page of the filter in the world of [oneFilter].
func shownOf() Shown {
	return Shown{Link: "Live", Badges: []string{"Live"}, Serves: "serves r1", Envoys: []ShownEnvoy{{"edge", "Live", "r1", "remote"}}}
}

func TestPageDisagreements(t *testing.T) {
	rolls := func(t *Told) {
		t.Rollout = &harness.Rollout{State: "paused", Wave: 1, Waves: []harness.Wave{{Name: "canary", Envoys: 1, Live: 1}, {Name: "all", Envoys: 2, Live: 1}}}
	}
	waves := []ShownWave{{"canary", "1 / 1", false}, {"all Envoys", "1 / 2", true}}
	for _, tc := range []struct {
		name   string
		change func(*Told, *Shown)
		want   string // a part of the problem; "": no problem
	}{
		{"all is well", func(*Told, *Shown) {}, ""},
		{"no connection", func(_ *Told, s *Shown) { s.Link = "Connection lost" }, "Connection lost"},
		{"old figures", func(_ *Told, s *Shown) { s.Stale = true }, "not up to date"},
		{"an empty page", func(_ *Told, s *Shown) { *s = Shown{} }, "no connection"},
		{"another condition", func(t *Told, _ *Shown) { t.Condition = "failing" }, "[Failing]"},
		{"a filter that is disabled", func(t *Told, _ *Shown) { t.Disabled = true }, "[Live Disabled]"},
		{"a pin", func(t *Told, _ *Shown) { t.Pinned = true }, "[Live Pinned]"},
		{"a rollback", func(t *Told, _ *Shown) { t.Error = &harness.APIError{Code: "rolled_back"} }, "[Live Rolled back]"},
		{"a spec that is gone", func(t *Told, _ *Shown) { t.State = harness.Removed }, "[Removed]"},
		{"another served revision", func(t *Told, _ *Shown) { t.Revision = "r0" }, "serves r0"},
		{"another state of an Envoy", func(_ *Told, s *Shown) { s.Envoys[0].State = "Pending" }, "(edge Pending r1 remote)"},
		{"another revision of an Envoy", func(_ *Told, s *Shown) { s.Envoys[0].Revision = "r0" }, "(edge Live r0 remote)"},
		{"another variant", func(_ *Told, s *Shown) { s.Envoys[0].Variant = "deny" }, "r1 deny"},
		{"an Envoy that is missing", func(_ *Told, s *Shown) { s.Envoys = nil }, "the API (edge Live r1 remote)"},
		{"an Envoy twice", func(_ *Told, s *Shown) { s.Envoys = append(s.Envoys, s.Envoys[0]) }, "remote) (edge"},
		{"an Envoy that has gone", func(t *Told, s *Shown) {
			t.Subscribers = append(t.Subscribers, harness.Subscriber{Node: "old", State: harness.Gone})
			s.Envoys = append(s.Envoys, ShownEnvoy{Name: "older", State: "Gone"})
		}, ""},
		{"an Envoy without a revision", func(t *Told, s *Shown) {
			t.Subscribers[0] = harness.Subscriber{Node: "edge", State: harness.Pending}
			s.Envoys[0] = ShownEnvoy{"edge", "Pending", "–", ""}
		}, ""},
		{"a rollout that is missing", func(t *Told, _ *Shown) { rolls(t) }, "[Paused]"},
		{"a rollout", func(t *Told, s *Shown) {
			rolls(t)
			s.Badges, s.Waves = []string{"Paused"}, waves
		}, ""},
		{"another wave", func(t *Told, s *Shown) {
			rolls(t)
			t.Rollout.Wave = 0
			s.Badges, s.Waves = []string{"Paused"}, waves
		}, "the waves"},
		{"a rollout that was", func(_ *Told, s *Shown) { s.Waves = waves }, "the waves"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, _ := oneFilter()
			told, shown := toldOf(w), shownOf()
			tc.change(&told, &shown)
			got := strings.Join(PageDisagreements(told, shown), "; ")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEnvoyPageDisagreements(t *testing.T) {
	w, _ := oneFilter()
	told := []Told{toldOf(w)}
	row := ShownEnvoy{"mark", "Live", "r1", "remote"}
	side := ShownEnvoy{"side", "Pending", "–", ""} // the API has no such filter among those
	if problems := EnvoyPageDisagreements("edge", told, []ShownEnvoy{side, row}); len(problems) > 0 {
		t.Errorf("the same rows disagree: %v", problems)
	}
	row.Revision = "r0"
	if problems := EnvoyPageDisagreements("edge", told, []ShownEnvoy{row}); len(problems) != 1 {
		t.Errorf("another revision: %v", problems)
	}
	if problems := EnvoyPageDisagreements("edge", told, nil); len(problems) != 1 {
		t.Errorf("no row: %v", problems)
	}
}
