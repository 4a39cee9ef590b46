package report

import (
	"cmp"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/record"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var testOutcomes = map[track.TestOutcome]api.TestOutcome{
	track.TestNotRun: api.TestNotRun, track.TestRunning: api.TestRunning, track.TestPassed: api.TestPassed, track.TestFailed: api.TestFailed,
}

// Content returns the content of a filter without its resource, and the served revision; nil: no
// revision is served. false: there is no such filter.
func Content(v *View, name string) (api.Content, *snapshot.Revision, bool) {
	st, ok := v.Machine.Status(name)
	if !ok || st.Wanted == nil {
		return api.Content{}, nil, false
	}
	w := st.Wanted
	c := api.Content{Name: name, SpecFile: w.SpecFile, Settings: []string{}, Tests: []api.TestResult{}, Variant: string(cmp.Or(w.Delivery, spec.Remote))}
	if one := v.Specs.Get(name); one != nil {
		for _, t := range one.Tests() {
			c.Tests = append(c.Tests, api.TestResult{Name: t.Name, Outcome: testOutcomes[t.Outcome], Error: api.FromSpec(t.Err)})
		}
	}
	if st.Serving == nil {
		return c, nil, true
	}
	c.Revision = st.Serving.ID
	c.Envoy = usualEnvoy(st.Subscribers)
	c.Settings = append(c.Settings, record.Shown(record.TextOf(st.Serving, w, nil))...)
	return c, st.Serving, true
}

// usualEnvoy is the version that most of the connected Envoys have. Of two, it is the later text.
func usualEnvoy(all []delivery.SubscriberStatus) string {
	counts := map[string]int{}
	for _, s := range all {
		if s.State != delivery.Gone {
			counts[s.Node.Version]++
		}
	}
	usual := ""
	for version, n := range counts {
		if n > counts[usual] || n == counts[usual] && version > usual {
			usual = version
		}
	}
	return usual
}
