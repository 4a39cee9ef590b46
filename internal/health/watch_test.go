package health_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// fleet has the reports of Envoys. It implements health.Reports as the store does: a report spans
// the time since the report before.
type fleet struct {
	reports map[signal.Key][]report
	traps   map[signal.Key][]time.Time
	quiet   map[signal.Key]time.Time // lost since then
}

type report struct {
	from, to time.Time
	figures  signal.Figures
}

func (f *fleet) add(node string, at time.Time, every time.Duration, figures signal.Figures) {
	key := signal.Key{Node: node}
	if f.reports == nil {
		f.reports, f.traps, f.quiet = map[signal.Key][]report{}, map[signal.Key][]time.Time{}, map[signal.Key]time.Time{}
	}
	f.reports[key] = append(f.reports[key], report{at.Add(-every), at, figures})
}

func (f *fleet) Between(key signal.Key, _ string, from, to time.Time) (sum signal.Figures, ok bool) {
	for _, r := range f.reports[key] {
		if !r.from.Before(from) && !r.to.After(to) {
			sum.Add(&r.figures)
			sum.Memory = r.figures.Memory
			ok = true
		}
	}
	for _, at := range f.traps[key] {
		if !at.Before(from) && !at.After(to) {
			sum.Traps++
		}
	}
	return sum, ok
}

func (f *fleet) State(key signal.Key, now time.Time) (signal.State, time.Time) {
	all := f.reports[key]
	if len(all) == 0 {
		return signal.Never, time.Time{}
	}
	last := all[len(all)-1].to
	if now.Sub(last) > 3*time.Second {
		return signal.Lost, last
	}
	return signal.Reporting, last
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func second(n float64) time.Time { return began.Add(time.Duration(n * float64(time.Second))) }

func envoy(id, others string, since time.Time) health.Envoy {
	return health.Envoy{Key: signal.Key{Node: id}, Version: "1.40.0", Others: others, Since: since}
}

func figures(requests, failed uint64) (f signal.Figures) {
	f.Requests, f.Errors5xx = requests, failed
	f.Time.Observe(2, requests)
	return f
}

func trial(canary, stable []health.Envoy) *health.Trial {
	return &health.Trial{Filter: "auth", Revision: "b", Type: spec.HTTP, Policy: spec.Closed, Began: began, Limits: spec.DefaultHealth(), Canary: canary, Stable: stable}
}

// run has a watch look every second, after the Envoys have reported.
func run(w *health.Watch, t *health.Trial, f *fleet, from, to int, report func(n int)) (look api.RolloutHealth) {
	for n := from; n <= to; n++ {
		report(n)
		look = w.Look(second(float64(n)+0.5), t, f)
	}
	return look
}

// TestWatch has two Envoys report every second: the one with the revision fails.
func TestWatch(t *testing.T) {
	tr := trial([]health.Envoy{envoy("a", "", second(2.2))}, []health.Envoy{envoy("b", "", second(-100))})
	for name, failed := range map[string]uint64{"good": 0, "bad": 30} {
		f := &fleet{}
		look := run(health.NewWatch(tr), tr, f, 1, 12, func(n int) {
			all := uint64(0)
			if n > 3 { // the report of the third second has requests of the revision before
				all = failed
			}
			f.add("a", second(float64(n)), time.Second, figures(100, all))
			f.add("b", second(float64(n)), time.Second, figures(100, 0))
		})
		want := map[string]api.HealthOutcome{"good": api.HealthGood, "bad": api.HealthBad}[name]
		if look.Outcome != want {
			t.Errorf("%s: %s: %s", name, look.Outcome, look.Message)
		}
		if name == "bad" && !strings.Contains(look.Message, "5xx: 30.0% of") {
			t.Errorf("the figures have requests of the revision before: %s", look.Message)
		}
	}
}

// TestTheRevisionBeforeTrapped shows a revision is not blamed for the requests that the VM of
// the revision before has failed.
func TestTheRevisionBeforeTrapped(t *testing.T) {
	tr := trial([]health.Envoy{envoy("a", "", second(2.2))}, []health.Envoy{envoy("b", "", second(-100))})
	f := &fleet{}
	f.add("a", second(0), time.Second, figures(100, 100))
	f.traps[signal.Key{Node: "a"}] = []time.Time{second(-1), second(1), second(2.1), second(3.4)}
	report := func(n int) {
		f.add("a", second(float64(n)), time.Second, figures(100, 0))
		f.add("b", second(float64(n)), time.Second, figures(100, 0))
	}
	w := health.NewWatch(tr)
	if look := run(w, tr, f, 1, 12, report); look.Outcome != api.HealthGood {
		t.Errorf("%s: %s", look.Outcome, look.Message)
	}
	f.traps[signal.Key{Node: "a"}] = append(f.traps[signal.Key{Node: "a"}], second(12.7))
	if look := run(w, tr, f, 13, 13, report); look.Outcome != api.HealthBad {
		t.Errorf("after a trap of its own: %s: %s", look.Outcome, look.Message)
	}
	// Without a trap before, a trap in the first moment counts.
	f.traps[signal.Key{Node: "a"}] = []time.Time{second(2.4)}
	if look := health.NewWatch(tr).Look(second(3.5), tr, f); look.Outcome != api.HealthBad {
		t.Errorf("after a first trap: %s: %s", look.Outcome, look.Message)
	}
}

// TestSources shows which Envoys are said to send no figures.
func TestSources(t *testing.T) {
	a, b, c := envoy("a", "", second(-60)), envoy("b", "", second(-60)), envoy("c", "", second(-60))
	young := envoy("y", "", second(10))
	for name, test := range map[string]struct {
		canary, stable []health.Envoy
		reports        string // a letter for each Envoy that reports, upper case: until second 5
		want           api.HealthOutcome
		says           string
	}{
		"all":                       {[]health.Envoy{a}, []health.Envoy{b}, "ab", api.HealthGood, ""},
		"no canary":                 {[]health.Envoy{a}, []health.Envoy{b}, "b", api.HealthSourceLost, "Envoy a with the revision has never sent figures"},
		"one of two canaries":       {[]health.Envoy{a, c}, []health.Envoy{b}, "ab", api.HealthGood, ""},
		"no stable Envoy":           {[]health.Envoy{a}, []health.Envoy{b}, "a", api.HealthSourceLost, "no Envoy with the stable revision"},
		"the canary until a moment": {[]health.Envoy{a}, []health.Envoy{b}, "Ab", api.HealthSourceLost, "Envoy a with the revision sends no figures any more"},
		"a young Envoy":             {[]health.Envoy{young}, []health.Envoy{b}, "b", api.HealthNoEvidence, "first seconds"},
		"nobody is stable":          {[]health.Envoy{a}, nil, "a", api.HealthGood, "need no other Envoy"},
	} {
		f := &fleet{}
		tr := trial(test.canary, test.stable)
		look := run(health.NewWatch(tr), tr, f, 1, 14, func(n int) {
			for _, letter := range test.reports {
				if id := strings.ToLower(string(letter)); id == string(letter) || n <= 5 {
					f.add(id, second(float64(n)), time.Second, figures(100, 0))
				}
			}
		})
		if look.Outcome != test.want || !strings.Contains(look.Message, test.says) {
			t.Errorf("%s: %s: %s", name, look.Outcome, look.Message)
		}
	}
}

// TestOnlyThisRevision shows Envoys with other revisions of other filters are not compared.
func TestOnlyThisRevision(t *testing.T) {
	tr := trial([]health.Envoy{envoy("a", "x", second(-10))}, []health.Envoy{envoy("b", "y", second(-10))})
	f := &fleet{}
	report := func(n int) {
		f.add("a", second(float64(n)), time.Second, figures(100, 100)) // another filter's fault
		f.add("b", second(float64(n)), time.Second, figures(100, 0))
	}
	w := health.NewWatch(tr)
	if look := run(w, tr, f, 1, 12, report); look.Outcome != api.HealthGood {
		t.Errorf("%s: %s", look.Outcome, look.Message)
	}
	tr.Stable[0].Others = "x" // the other filter's rollout is over
	if look := run(w, tr, f, 13, 30, report); look.Outcome != api.HealthBad {
		t.Errorf("with an equal peer: %s: %s", look.Outcome, look.Message)
	}
}

// TestUnevenReports has Envoys report at different times and intervals: no request is lost, and
// none counts twice.
func TestUnevenReports(t *testing.T) {
	tr := trial([]health.Envoy{envoy("a", "", second(-60))}, []health.Envoy{envoy("b", "", second(-60))})
	f := &fleet{}
	w := health.NewWatch(tr)
	f.add("a", second(-1), 10*time.Second, figures(100, 0))
	f.add("b", second(-1), time.Second, figures(100, 0))
	var look api.RolloutHealth
	for n := range 41 {
		if n%10 == 9 {
			f.add("a", second(float64(n)), 10*time.Second, figures(100, 0))
		}
		f.add("b", second(float64(n)), time.Second, figures(10, 0))
		f.reports[signal.Key{Node: "a"}][len(f.reports[signal.Key{Node: "a"}])-1].figures.Custom = nil
		look = w.Look(second(float64(n)+0.5), tr, &slowFleet{f})
	}
	if look.Outcome != api.HealthGood || !strings.Contains(look.Message, "400 requests on the Envoys with the revision") {
		t.Errorf("%s: %s", look.Outcome, look.Message)
	}
}

// slowFleet never takes an Envoy for lost.
type slowFleet struct{ *fleet }

func (f *slowFleet) State(key signal.Key, _ time.Time) (signal.State, time.Time) {
	all := f.reports[key]
	return signal.Reporting, all[len(all)-1].to
}

// TestAnEnvoyChangesSides shows the report of an Envoy that spans the load of the revision
// counts for no side.
func TestAnEnvoyChangesSides(t *testing.T) {
	a, b, c := envoy("a", "", second(-10)), envoy("b", "", second(-10)), envoy("c", "", second(-10))
	tr := trial([]health.Envoy{a}, []health.Envoy{b, c})
	f, w := &fleet{}, health.NewWatch(trial([]health.Envoy{a}, []health.Envoy{b, c}))
	report := func(n int) {
		f.add("a", second(float64(n)), time.Second, figures(100, 0))
		f.add("b", second(float64(n)), time.Second, figures(100, 0))
		failed := uint64(0)
		if n <= 6 {
			failed = 50 // the stable revision fails
		}
		f.add("c", second(float64(n)), time.Second, figures(100, failed))
	}
	run(w, tr, f, 1, 5, report)
	c.Since = second(5.6)
	tr.Canary, tr.Stable = []health.Envoy{a, c}, []health.Envoy{b}
	look := run(w, tr, f, 6, 20, report)
	for _, one := range look.Comparisons {
		if one.Name == "5xx" && (one.Canary != 0 || one.Stable == 0) {
			t.Errorf("%s: %s", one.Outcome, one.Message)
		}
	}
	if len(look.Comparisons) == 0 {
		t.Error("no comparison")
	}
}
