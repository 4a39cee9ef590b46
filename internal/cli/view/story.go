package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/terminal"
)

// Story tells the state of a filter in sentences: what is served, what is under way, what went
// wrong last, and the next step. h is the filter's history; nil: it is not known.
func Story(f *api.Filter, h *api.History, now time.Time) []string {
	s := story{f: f, h: h, now: now}
	s.served()
	s.rollback()
	s.rollout()
	s.health()
	s.trouble()
	s.next()
	return s.lines
}

// printStory prints a story as a paragraph of its own.
func printStory(w io.Writer, f *api.Filter, h *api.History, now time.Time) {
	for _, line := range Story(f, h, now) {
		fmt.Fprintln(w, terminal.Wrap(terminal.Printable(line), display.Width(w), "  "))
	}
}

// story collects the sentences of a filter.
type story struct {
	f     *api.Filter
	h     *api.History
	now   time.Time
	lines []string
}

func (s *story) say(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// revision is a revision of the history; nil: it is not known.
func (s *story) revision(id string) *api.Revision {
	if s.h == nil || id == "" {
		return nil
	}
	i := slices.IndexFunc(s.h.Revisions, func(r api.Revision) bool { return r.Revision == id })
	if i < 0 {
		return nil
	}
	return &s.h.Revisions[i]
}

// since is "since 2026-01-02 03:04:05 (2h)"; "": the time is not known.
func (s *story) since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return fmt.Sprintf(" since %s (%s)", display.Moment(t), ago(t, s.now))
}

// from is ", from auth.yaml at commit 1f2e3d4c5b6a".
func from(r *api.Revision, file string) string {
	if r != nil {
		file = cmp.Or(r.File, r.SpecFile, file)
	}
	if file == "" {
		return ""
	}
	text := ", from " + file
	switch {
	case r == nil || r.Commit == nil:
	case r.Commit.Dirty:
		text += ", which differs from commit " + r.Commit.ID[:min(len(r.Commit.ID), 12)]
	default:
		text += " at commit " + commitName(r.Commit)
	}
	return text
}

// served tells which revision Envoys get.
func (s *story) served() {
	f := s.f
	switch {
	case f.State == api.FilterUnknown:
		s.say("No spec has the name %s: requests through the filter are denied.", f.Name)
		return
	case f.State == api.FilterPreparing:
		s.say("The first revision of %s is not ready yet.", f.Name)
		return
	case f.Disabled:
		s.say("The filter %s is disabled: all requests pass.", f.Name)
	case f.State == api.FilterRemoved:
		s.say("The spec of %s is gone; onRemove is %s.", f.Name, f.OnRemove)
	case f.State == api.FilterRejected || f.Revision == "":
		s.say("No revision of %s can be served: Envoys get a stand-in, as failurePolicy says.", f.Name)
		return
	case f.Revision == f.Candidate:
		// Nothing was served before: the rollout tells the rest.
	default:
		r, since := s.revision(f.Revision), time.Time{}
		if r != nil {
			since = cmp.Or(r.LiveAt, r.Since)
		}
		s.say("Revision %s of %s has been served%s%s.", f.Revision, f.Name, s.since(since), from(r, f.SpecFile))
	}
	switch f.Condition {
	case api.ConditionNoEnvoy:
		s.say("No Envoy asks for the filter.")
	case api.ConditionEnvoysGone:
		s.say("No Envoy asks for the filter any more.")
	default:
		if f.Candidate == "" && f.Envoys.Total > 0 {
			s.say("%d of %s %s.", f.Envoys.Live, display.Plural(f.Envoys.Total, "Envoy"), runs(f.Envoys.Total))
		}
	}
}

func runs(n int) string {
	if n == 1 {
		return "runs it"
	}
	return "run it"
}

// rollback tells that a user has rolled back, or pinned a revision.
func (s *story) rollback() {
	e := s.f.Error
	if e == nil || e.Code != api.CodeRolledBack {
		return
	}
	if s.f.Pinned { // the message has the user
		s.say("The filter is %s.", e.Message)
		return
	}
	s.say("The filter is %s%s.", e.Message, s.lastAction("rollback"))
}

// lastAction is ", by deploy 5m ago" for the last of these actions of a user; "": it is not known.
func (s *story) lastAction(names ...string) string {
	if s.h == nil {
		return ""
	}
	var last *api.Action
	for i := range s.h.Revisions {
		for j := range s.h.Revisions[i].By {
			a := &s.h.Revisions[i].By[j]
			if slices.Contains(names, a.Action) && (last == nil || a.At.After(last.At)) {
				last = a
			}
		}
	}
	switch {
	case last == nil:
		return ""
	case last.By == "":
		return fmt.Sprintf(", %s ago", ago(last.At, s.now))
	default:
		return fmt.Sprintf(", by %s %s ago", last.By, ago(last.At, s.now))
	}
}

// rollout tells about the rollout under way.
func (s *story) rollout() {
	r := s.f.RolloutStatus
	if r == nil || r.State == api.RolloutStopped {
		return
	}
	if r.State == api.RolloutWatching {
		s.say("Revision %s is watched for another %s: bad figures still take it back.", r.Revision, Left(r.WatchUntil, s.now))
		return
	}
	since, rev := time.Time{}, s.revision(r.Revision)
	file := ""
	if rev != nil {
		since, file = rev.Since, from(rev, "")
	}
	text := fmt.Sprintf("Revision %s has been rolling out%s%s", r.Revision, s.since(since), file)
	if wave := waveOf(r); wave != nil {
		text += fmt.Sprintf(": wave %d of %d (%s), %d of %s %s", r.Wave+1, len(r.Waves), waveName(wave), wave.Live, display.Plural(wave.Envoys, "Envoy"), runs(wave.Envoys))
		if wave.State == api.WaveSoaking && !wave.SoakUntil.IsZero() {
			text += fmt.Sprintf("; the soak ends in %s", Left(wave.SoakUntil, s.now))
		}
	} else if s.f.Rollout != "" && len(r.WaitsFor) == 0 {
		text += ": " + s.f.Rollout
	}
	s.say("%s.", text)
	s.holds(r)
}

// holds tells the reason for which a rollout waits.
func (s *story) holds(r *api.RolloutStatus) {
	hold := func(what string, h *api.RolloutHold) {
		text := fmt.Sprintf("%s %s %s ago", cmp.Or(h.By, "Somebody"), what, ago(h.At, s.now))
		if h.Reason != "" {
			text += ": " + h.Reason
		}
		s.say("%s.", strings.TrimSuffix(text, "."))
	}
	if r.Frozen != nil {
		hold("has frozen all rollouts of the server", r.Frozen)
	}
	switch {
	case r.Paused == nil:
	case r.Paused.By == "spec":
		s.say("The rollout waits for a promotion, as `pause: true` in the spec says.")
	default:
		hold("has paused the rollout", r.Paused)
	}
	const most = 3
	for _, w := range r.WaitsFor[:min(len(r.WaitsFor), most)] {
		s.say("The rollout waits: %s.", strings.TrimSuffix(w.Message, "."))
	}
	if more := len(r.WaitsFor) - most; more > 0 {
		s.say("The rollout waits for %s, too.", display.Plural(more, "other Envoy"))
	}
	switch {
	case r.Overdue:
		s.say("The rollout has been overdue%s.", s.since(r.Deadline))
	case !r.Deadline.IsZero():
		s.say("Its deadline is in %s.", Left(r.Deadline, s.now))
	}
}

// health tells the last look at the figures.
func (s *story) health() {
	r := s.f.RolloutStatus
	if r == nil || r.Health == nil {
		return
	}
	h := r.Health
	if h.At.IsZero() {
		s.say("Its health is unknown: there was no look yet.")
		return
	}
	as := "as of " + h.At.Local().Format(time.TimeOnly)
	if age := s.now.Sub(h.At); age > staleFigures {
		as += fmt.Sprintf(" (%s ago)", ago(h.At, s.now))
	}
	text := healthWords(h.Outcome, as)
	if h.Message != "" {
		text += ": " + strings.TrimSuffix(h.Message, ".")
	}
	s.say("%s.", text)
	for i := range h.Comparisons {
		s.say("  %s", FigureText(&h.Comparisons[i]))
	}
}

// staleFigures is the age from which figures are old: Envoys report every ten seconds or so.
const staleFigures = 30 * time.Second

// healthWords begins the sentence about a look; as is its time.
func healthWords(o api.HealthOutcome, as string) string {
	switch o {
	case api.HealthNoEvidence:
		return "There is not enough evidence about its health " + as
	case api.HealthSourceLost:
		return "Its health is not known, because figures are missing " + as
	default:
		return fmt.Sprintf("Its health is %s %s", o, as)
	}
}

// trouble tells the last failure, unless it is the filter's present error.
func (s *story) trouble() {
	if s.h == nil || s.f.Failure() != nil {
		return
	}
	for i := range s.h.Revisions {
		r := &s.h.Revisions[i]
		switch r.Outcome {
		case api.OutcomeRefused, api.OutcomeUnhealthy, api.OutcomeStopped, api.OutcomeAborted:
		default:
			continue
		}
		what := fmt.Sprintf("revision %s was %s", r.Revision, outcomeWords(r.Outcome))
		switch reason := strings.TrimSuffix(r.Reason, "."); {
		case strings.Contains(reason, r.Revision): // a sentence about the revision
			what = reason
		case reason != "":
			what += ": " + reason
		}
		s.say("The last trouble was %s ago: %s.", ago(cmp.Or(r.EndedAt, r.Since), s.now), what)
		return
	}
}

// next tells the next step, with its command.
func (s *story) next() {
	name, r := s.f.Name, s.f.RolloutStatus
	switch {
	case s.f.State == api.FilterUnknown:
		s.say("Next: put a spec with this name into the watched directory.")
	case s.f.Failure() != nil && len(s.f.Rejected) > 0:
		s.say("Next: mend the spec, or try the revision again with `wasm-xds retry %s`.", name)
	case s.f.Failure() != nil:
		s.say("Next: mend the cause below; `wasm-xds history %s` lists the revisions.", name)
	case s.f.Error != nil && s.f.Error.Code == api.CodeRolledBack:
		s.say("Next: %s.", s.f.Error.Hint)
	case r == nil || r.State == api.RolloutStopped:
	case r.Frozen != nil:
		s.say("Next: `wasm-xds freeze off` lets rollouts go on; `wasm-xds rollout abort %s` goes back.", name)
	case r.Paused != nil:
		s.say("Next: %s goes on, and `wasm-xds rollout abort %s` goes back.", Onward(s.f), name)
	case r.State == api.RolloutWatching:
		s.say("Next: nothing; `wasm-xds rollout abort %s` goes back at once.", name)
	case r.Overdue || len(r.WaitsFor) > 0 || r.State == api.RolloutSoaking:
		text := fmt.Sprintf("Next: wait, or `wasm-xds rollout promote %s` goes on at once", name)
		if s.f.Stable != "" && s.f.Stable != r.Revision {
			text += fmt.Sprintf("; `wasm-xds diff %s` shows the change", name)
		}
		s.say("%s.", text)
	}
}

// Onward is the command that ends the pause of a filter's rollout: of a user, or of the spec.
func Onward(f *api.Filter) string {
	if f.RolloutStatus.Paused.By == "spec" {
		return fmt.Sprintf("`wasm-xds rollout promote %s`", terminal.Printable(f.Name))
	}
	return fmt.Sprintf("`wasm-xds rollout resume %s`", terminal.Printable(f.Name))
}
