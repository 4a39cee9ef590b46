package chaos

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// The world of these tests has a filter, an Envoy, and a good content.
func oneFilter() (*World, []Node) {
	w := NewWorld([]string{"1.40.0"})
	w.Filters = w.Filters[:1]
	w.Filters[0].write(Content{Stamp: "m1", Config: "c1"}, w.Versions)
	return w, []Node{{ID: "edge", Version: "1.40.0"}}
}

func toldOf(w *World) Told {
	f := w.Filters[0]
	return Told{Condition: "live", FilterStatus: harness.FilterStatus{
		Name: string(f.Name), State: harness.Active, Revision: "r1", Module: harness.ModuleStatus{SHA256: f.Spec.sum(f.Name)},
		Subscribers: []harness.Subscriber{{Node: "edge", State: harness.Live, Revision: "r1", Variant: "remote"}},
	}}
}

func TestDisagreements(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*Filter, *Told, Revisions)
		want   string // a part of the problem; "": no problem
	}{
		{"all is well", func(*Filter, *Told, Revisions) {}, ""},
		{"still pending", func(_ *Filter, t *Told, _ Revisions) { t.Subscribers[0].State = harness.Pending }, "pending"},
		{"another revision", func(_ *Filter, t *Told, _ Revisions) { t.Subscribers[0].Revision = "r0" }, "not live with m1/c1"},
		{"another module", func(_ *Filter, t *Told, _ Revisions) { t.Module.SHA256 = "0" }, "not live with m1/c1"},
		{"a revision that was another content", func(_ *Filter, _ *Told, r Revisions) { r.learn("mark", "r1", "m0/c0") }, "which is m0/c0"},
		{"a condition that is not so", func(_ *Filter, t *Told, _ Revisions) { t.Condition = "failing" }, "all is well"},
		{"no stream", func(_ *Filter, t *Told, _ Revisions) { t.Subscribers = nil }, "0 streams"},
		{"two streams", func(_ *Filter, t *Told, _ Revisions) { t.Subscribers = append(t.Subscribers, t.Subscribers[0]) }, "2 streams"},
		{"one that has gone", func(_ *Filter, t *Told, _ Revisions) {
			t.Subscribers = append(t.Subscribers, harness.Subscriber{Node: "edge", State: harness.Gone})
		}, ""},
		{"an error that nobody has made", func(_ *Filter, t *Told, _ Revisions) { t.Error = &harness.APIError{Code: "broken"} }, "error broken"},
		{"a bad spec without an error", func(f *Filter, t *Told, r Revisions) {
			t.Condition = "failing"
			r.learn("mark", "r1", "m1/c1")
			f.write(Content{Stamp: "m2", Fault: Garbage}, []string{"1.40.0"})
		}, "no error"},
		{"a bad spec called live", func(f *Filter, t *Told, r Revisions) {
			bad := Content{Stamp: "m2", Config: "c2", Fault: ConfigureFails}
			f.write(bad, []string{"1.40.0"})
			t.Condition = "failing"
			t.Error, t.Module.SHA256 = &harness.APIError{Code: "rejected"}, bad.sum("mark")
		}, "m2/c2, not live with m1/c1"},
		{"a removed spec that is kept", func(f *Filter, t *Told, r Revisions) {
			r.learn("mark", "r1", "m1/c1")
			f.Spec.OnRemove = "keep"
			f.remove()
			t.State = harness.Removed
		}, ""},
		{"a removed spec that is denied, and is not", func(f *Filter, t *Told, r Revisions) {
			r.learn("mark", "r1", "m1/c1")
			f.Spec.OnRemove = "deny"
			f.remove()
			t.State = harness.Removed
		}, "not live with denied"},
		{"a pass-through that is due", func(f *Filter, t *Told, _ Revisions) {
			f.Spec.Disabled, t.Disabled, t.Subscribers[0].Variant = true, true, "passthrough"
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, nodes := oneFilter()
			told, revisions := toldOf(w), Revisions{}
			tc.change(w.Filters[0], &told, revisions)
			got := strings.Join(Disagreements(w, nodes, []Told{told}, revisions), "; ")
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("found %q, want %q", got, tc.want)
			}
		})
	}
}

func TestMetricDisagreements(t *testing.T) {
	w, _ := oneFilter()
	told := []Told{toldOf(w)}
	const good = "# HELP x\nwasm_xds_filters{state=\"active\"} 1\nwasm_xds_subscribers{state=\"live\"} 1\n"
	if problems := MetricDisagreements(told, ParseMetrics(good)); len(problems) > 0 {
		t.Errorf("the same counts disagree: %v", problems)
	}
	if problems := MetricDisagreements(told, ParseMetrics(strings.Replace(good, "live", "pending", 1))); len(problems) != 2 {
		t.Errorf("other counts: %v", problems)
	}
}
