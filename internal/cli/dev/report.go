package dev

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// report turns views of the server into lines: a line for each save that reaches Envoy, and
// the problems whenever they change. The zero value has reported nothing. It is pure.
type report struct {
	runs     map[string]onEnvoy // by filter, as reported
	problems string
}

// onEnvoy is the state of a filter on the Envoy.
type onEnvoy struct {
	revision string    // "": no revision of its own yet
	variant  string    // a stand-in, or the variant of the module
	at       time.Time // the start of this state
}

// change is a filter with a change of revision on its Envoy.
type change struct {
	name        string
	before, now onEnvoy
}

// look compares a view with the last report, and notes the view as reported.
func (r *report) look(v *view.View) (changes []change) {
	runs := map[string]onEnvoy{}
	for i := range v.Filters {
		f := &v.Filters[i]
		if !wired(f) {
			continue
		}
		run, settled := runOf(f)
		before := r.runs[f.Name]
		if !settled {
			run = before // the revision is on its way, or the problem of another filter
		}
		runs[f.Name] = run
		if run.revision != before.revision || isStandIn(run.variant) != isStandIn(before.variant) {
			changes = append(changes, change{f.Name, before, run})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.runs)) {
		if _, there := runs[name]; !there {
			changes = append(changes, change{name: name, before: r.runs[name]})
		}
	}
	r.runs = runs
	return changes
}

// hasSpec says whether a filter or a service has a spec.
func hasSpec(f *api.Filter) bool {
	return f.State != api.FilterRemoved && f.State != api.FilterUnknown
}

// wired says whether a filter belongs into the Envoy's listeners. A service does not.
func wired(f *api.Filter) bool { return hasSpec(f) && f.Type != string(spec.Service) }

// runOf is the state of all Envoys that ask for a filter; false: no Envoy asks, or they differ,
// or are on their way.
func runOf(f *api.Filter) (onEnvoy, bool) {
	var run onEnvoy
	for i := range f.Subscribers {
		s := &f.Subscribers[i]
		switch {
		case s.State == api.SubscriberGone:
		case s.State != api.SubscriberLive && s.State != api.SubscriberRejected:
			return onEnvoy{}, false
		case run.variant != "" && run.revision != s.Revision:
			return onEnvoy{}, false
		default:
			run = onEnvoy{s.Revision, s.Variant, s.Since}
		}
	}
	return run, run.variant != ""
}

func isStandIn(variant string) bool { return variant == "passthrough" || variant == "deny" }

// line describes a change. wanted is when the revision became wanted; zero: unknown.
func (c change) line(width int, wanted time.Time) string {
	name := fmt.Sprintf("%-*s", width, terminal.Printable(c.name))
	before, now := shortRevision(c.before.revision), shortRevision(c.now.revision)
	took := ""
	if !wanted.IsZero() && c.now.at.After(wanted) {
		took = " in " + shortTime(c.now.at.Sub(wanted))
	}
	switch {
	case c.now == onEnvoy{}:
		return name + "  its spec is gone: Envoy runs without it"
	case c.now.variant == "passthrough":
		return name + "  disabled: requests pass without it"
	case c.now.variant == "deny":
		return name + "  nothing of it can be served: requests are denied"
	case before == now, before == "":
		return fmt.Sprintf("%s  live%s  %s", name, took, now)
	default:
		return fmt.Sprintf("%s  live%s  %s → %s", name, took, before, now)
	}
}

// shortRevision is a prefix of a revision, long enough to tell revisions apart.
func shortRevision(revision string) string { return revision[:min(len(revision), 8)] }

// shortTime is a duration with few digits.
func shortTime(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", max(d.Milliseconds(), 1))
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// trouble is the problems of the specs and filters, in the form of `wasm-xds check`; false: they
// have not changed since the last report.
func (r *report) trouble(v *view.View, lines *display.SourceLines) (string, bool) {
	var b strings.Builder
	told := map[api.Error]bool{}
	tell := func(about string, e *api.Error) {
		if e == nil || told[*e] || e.Code == api.CodePreflightRunning || e.Code == api.CodeDownloadWaits {
			return
		}
		told[*e] = true
		problem := &spec.Error{Message: e.Message, Hint: e.Hint, Pos: spec.Position{File: relative(e.File), Line: e.Line, Column: e.Column}}
		if e.File == "" && about != "" {
			problem.Message = about + ": " + problem.Message
		}
		display.Problem(&b, lines, problem)
	}
	tell("", v.Source.Error)
	for _, e := range v.Source.Errors {
		tell("", e)
	}
	for i := range v.Filters {
		f := &v.Filters[i]
		if !hasSpec(f) {
			continue
		}
		tell(f.Name, f.Error)
		for j := range f.Subscribers {
			if s := &f.Subscribers[j]; s.State == api.SubscriberRejected {
				tell(f.Name+" on "+s.Node, s.Error)
			}
		}
	}
	text := b.String()
	if text == r.problems {
		return "", false
	}
	r.problems = text
	if text == "" {
		text = "no problem is left\n"
	}
	return text, true
}
