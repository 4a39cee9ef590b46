package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Trial is a wave of a rollout under way, or the watch after the promotion.
type Trial struct {
	Filter, Revision string
	Type             spec.Type
	Policy           spec.FailurePolicy
	Wave             int
	Began            time.Time // of the wave
	Limits           spec.Health
	Canary, Stable   []Envoy // the Envoys with the revision, and the Envoys with the stable revision
}

// Reports are the reports of Envoys, as [signal.Store] keeps them.
type Reports interface {
	Between(key signal.Key, filter string, from, to time.Time) (signal.Figures, bool)
	State(key signal.Key, now time.Time) (signal.State, time.Time)
}

const (
	// shortestStretch is the shortest stretch of time that is compared with others: with shorter
	// ones, the requests of a busy Envoy would be cut into pieces that are not independent.
	shortestStretch = time.Second
	// longestStretch ends a stretch, whether or not all Envoys have reported.
	longestStretch = 30 * time.Second
	// firstReport is how long an Envoy with a revision may take for its first report: three
	// of Envoy's default intervals.
	firstReport = 15 * time.Second
	// late is how long after a load the requests that the revision before has failed may be
	// reported: Envoys hold such reports back for up to a second. It matters only if that revision
	// has failed any in the time memorable before.
	late      = 1500 * time.Millisecond
	memorable = 5 * time.Second
)

// Watch follows one wave: it reads the reports of its Envoys, and has a [Judge] judge them. Not
// safe for concurrent use.
type Watch struct {
	judge *Judge
	began time.Time // of the stretch under way
	marks map[signal.Key]mark
}

// mark is the last report of an Envoy that was counted.
type mark struct {
	at     time.Time
	others string // of [Envoy]
	since  time.Time
}

// NewWatch returns a watch of a wave.
func NewWatch(t *Trial) *Watch {
	return &Watch{judge: New(t.Limits, t.Type, t.Policy), marks: map[signal.Key]mark{}}
}

// Answer takes an answer of the Prometheus server that the spec names.
func (w *Watch) Answer(a Answer) { w.judge.Answer(a) }

// Look reads the new reports and judges the wave.
func (w *Watch) Look(now time.Time, t *Trial, from Reports) api.RolloutHealth {
	if w.began.IsZero() {
		w.began = now
	}
	s := survey(now, t, from)
	w.events(now, t, from)
	if w.isOver(now, s) {
		w.stretch(now, t, s, from)
		w.began = now
	}
	look := w.judge.Look(now, s.lost)
	if s.silent != "" && look.Outcome == api.HealthNoEvidence {
		look.Message += "; " + s.silent
	}
	return look
}

// state is the state of the reports of all Envoys of a trial.
type state struct {
	last   map[signal.Key]time.Time // of the Envoys that report
	lost   string                   // Envoys with lost reports, for people; "": none
	silent string                   // Envoys that have never reported; "": none
}

func survey(now time.Time, t *Trial, from Reports) state {
	s := state{last: map[signal.Key]time.Time{}}
	var lost, silent []string
	young := false // an Envoy without figures may not have had the time to report
	for _, e := range t.Canary {
		switch is, last := from.State(e.Key, now); is {
		case signal.Reporting:
			s.last[e.Key] = last
		case signal.Lost:
			lost = append(lost, e.Node)
		default:
			silent = append(silent, e.Node)
			young = young || now.Sub(e.Since) < firstReport
		}
	}
	reporting := 0
	for _, e := range t.Stable {
		if is, last := from.State(e.Key, now); is == signal.Reporting {
			s.last[e.Key] = last
			reporting++
		} else if is == signal.Never {
			young = young || now.Sub(e.Since) < firstReport
		}
	}
	switch {
	case len(lost) > 0:
		s.lost = names(lost) + " with the revision sends no figures any more"
	case young:
	case len(t.Canary) > 0 && len(silent) == len(t.Canary):
		s.lost = names(silent) + " with the revision has never sent figures: its configuration lacks the stats sink of `wasm-xds bootstrap`"
	case len(t.Stable) > 0 && reporting == 0:
		s.lost = "no Envoy with the stable revision sends figures: they cannot be compared"
	}
	if len(silent) > 0 && !young {
		s.silent = names(silent) + " has never sent figures"
	}
	return s
}

// names is "Envoy a" or "Envoy a and 3 others".
func names(ids []string) string {
	slices.Sort(ids)
	switch len(ids) {
	case 1:
		return "Envoy " + ids[0]
	case 2:
		return "Envoy " + ids[0] + ", as Envoy " + ids[1] + ","
	}
	return fmt.Sprintf("Envoy %s, as %d others,", ids[0], len(ids)-1)
}

// events counts the events since the begin of the wave.
func (w *Watch) events(now time.Time, t *Trial, from Reports) {
	var canary, stable Figures
	sum := func(all *Figures, envoys []Envoy) {
		for _, e := range envoys {
			if one, ok := since(now, e, t, from); ok {
				all.Add(&one)
			}
		}
	}
	sum(&canary, t.Canary)
	if canary.Sum.Traps > 0 || canary.Sum.Bypassed > 0 {
		sum(&stable, t.Stable) // only a comparison needs them
	}
	w.judge.Events(canary, stable)
}

// since returns the figures of an Envoy since it has run its revision in this wave.
func since(now time.Time, e Envoy, t *Trial, from Reports) (signal.Figures, bool) {
	at := later(e.Since, t.Began)
	if before, _ := from.Between(e.Key, t.Filter, at.Add(-memorable), at); before.Traps > 0 {
		at = at.Add(late)
	}
	one, ok := from.Between(e.Key, t.Filter, at, now)
	return one, ok || one.Traps > 0
}

// isOver says whether the stretch under way is over: each Envoy has reported since it began.
func (w *Watch) isOver(now time.Time, s state) bool {
	switch length := now.Sub(w.began); {
	case length < shortestStretch:
		return false
	case length >= longestStretch:
		return true
	}
	for key, last := range s.last {
		if m, known := w.marks[key]; known && !last.After(m.at) {
			return false
		}
	}
	return len(s.last) > 0
}

// stretch ends the stretch under way, and has it judged.
func (w *Watch) stretch(now time.Time, t *Trial, s state, from Reports) {
	marks := make(map[signal.Key]mark, len(s.last))
	read := map[signal.Key]signal.Figures{}
	look := func(e Envoy) bool {
		last, reports := s.last[e.Key]
		if !reports {
			return false
		}
		// A report that spans the load of the revision has requests of the revision before.
		if !last.Before(e.Since) {
			marks[e.Key] = mark{last, e.Others, e.Since}
		}
		m, known := w.marks[e.Key]
		if !known || m.others != e.Others || !m.since.Equal(e.Since) {
			return false
		}
		one, ok := from.Between(e.Key, t.Filter, m.at, now)
		if ok {
			read[e.Key] = one
		}
		return ok
	}
	canary := slices.DeleteFunc(slices.Clone(t.Canary), func(e Envoy) bool { return !look(e) })
	stable := slices.DeleteFunc(slices.Clone(t.Stable), func(e Envoy) bool { return !look(e) })
	sum := func(envoys []Envoy) (f Figures) {
		for _, e := range envoys {
			one := read[e.Key]
			f.Add(&one)
		}
		return f
	}
	var groups []Group
	for _, p := range Match(canary, stable) {
		groups = append(groups, Group{Key: p.Key, Name: p.Name, Canary: sum(p.Canary), Stable: sum(p.Stable)})
	}
	w.marks = marks
	if len(canary) > 0 {
		w.judge.Add(sum(canary), groups)
	}
}

// Key tells the waves of all rollouts apart.
func (t *Trial) Key() string {
	return strings.Join([]string{t.Filter, t.Revision, fmt.Sprint(t.Wave), t.Began.Format(time.RFC3339Nano)}, "\x00")
}
