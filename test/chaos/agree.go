package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Told is a filter as the control plane's API describes it.
type Told struct {
	harness.FilterStatus
	Condition string `json:"condition"`
}

// Revisions has the content of each known revision, by filter.
type Revisions map[FilterName]map[string]Seen

// learn notes a revision's label, and returns the contradiction to an earlier label: a revision
// has one content for ever.
func (r Revisions) learn(filter FilterName, revision string, label Seen) string {
	known := r[filter]
	if known == nil {
		known = map[string]Seen{}
		r[filter] = known
	}
	if old, ok := known[revision]; ok && old != label {
		return fmt.Sprintf("%s: revision %s was %s, and is %s now", filter, revision, old, label)
	}
	known[revision] = label
	return ""
}

// Disagreements returns the differences between the control plane's words and a world in which
// nothing is under way. It also learns the content of each revision.
func Disagreements(w *World, nodes []Node, told []Told, revisions Revisions) (problems []string) {
	byName := map[string]Told{}
	for _, t := range told {
		byName[t.Name] = t
	}
	for _, f := range w.Filters {
		t, ok := byName[string(f.Name)]
		if !ok {
			problems = append(problems, fmt.Sprintf("%s: the API does not know it", f.Name))
			continue
		}
		problems = append(problems, f.disagreements(t)...)
		for _, n := range nodes {
			if problem := f.disagreement(n, t, revisions); problem != "" {
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

// disagreements returns the differences about the filter as a whole.
func (f *Filter) disagreements(t Told) (problems []string) {
	say := func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf("%s: ", f.Name)+fmt.Sprintf(format, args...))
	}
	state := harness.Active
	if f.Spec == nil {
		state = harness.Removed
	}
	if t.State != state {
		say("state %s, not %s", t.State, state)
	}
	if disabled := f.Spec != nil && f.Spec.Disabled; t.Disabled != disabled {
		say("disabled is %v", t.Disabled)
	}
	code := t.Error.CodeOrNone()
	switch {
	case f.Spec == nil:
	case f.Spec.Fault == NewImport:
	case f.Plain() && t.Condition != "live":
		say("it is %s, although all is well", t.Condition)
	case f.Spec.Fault == Aborted && code != "rollout_aborted":
		say("error %q, not rollout_aborted", code)
	case f.Spec.Fault != NoFault && t.Condition != "failing":
		say("it is %s, although its spec is bad: %s", t.Condition, f.Spec.Fault)
	case f.RolledBack && f.Spec.Fault == NoFault && code != "rolled_back":
		say("error %q, not rolled_back", code)
	case f.Spec.Fault != NoFault && code == "":
		say("no error, although its spec is bad: %s", f.Spec.Fault)
	case (f.Plain() || f.Spec.Disabled) && code != "":
		say("error %s: %s", code, t.Error.Message)
	}
	return problems
}

// disagreement returns a difference about the filter on an Envoy.
func (f *Filter) disagreement(n Node, t Told, revisions Revisions) string {
	want := f.Want(n.Version)
	var found []string
	for _, s := range t.Here() {
		if s.Node != n.ID {
			continue
		}
		bad := f.Spec != nil && f.Spec.Fault != NoFault && s.State == harness.Rejected
		text := fmt.Sprintf("%s with %s (%s)", s.State, s.Revision, s.Variant)
		label := f.label(s, t, revisions)
		if label != "" {
			text += ", which is " + string(label)
		}
		found = append(found, text)
		if (s.State == harness.Live || bad) && label == want {
			if s.Variant != string("passthrough") && s.Variant != "deny" {
				if problem := revisions.learn(f.Name, s.Revision, label); problem != "" {
					return problem
				}
			}
			continue
		}
		return fmt.Sprintf("%s on %s: %s, not live with %s", f.Name, n.ID, text, want)
	}
	if len(found) != 1 {
		return fmt.Sprintf("%s on %s: %d streams [%s]", f.Name, n.ID, len(found), strings.Join(found, "; "))
	}
	return ""
}

// label returns the content that a subscriber runs according to the API; "": unknown.
func (f *Filter) label(s harness.Subscriber, t Told, revisions Revisions) Seen {
	switch s.Variant {
	case "passthrough":
		return Passed
	case "deny":
		return Denied
	}
	if label, ok := revisions[f.Name][s.Revision]; ok {
		return label
	}
	// An unknown revision belongs to the spec if the filter has the spec's module.
	if f.Spec != nil && s.Revision == t.Revision && t.Module.SHA256 == f.Spec.sum(f.Name) {
		return f.Spec.Label()
	}
	return ""
}

// Reason returns the API's explanation of these problems, in one line.
func Reason(problems []string, told []Told) string {
	var words []string
	for _, t := range told {
		about := func(problem string) bool {
			return strings.HasPrefix(problem, t.Name+":") || strings.HasPrefix(problem, t.Name+" ")
		}
		if slices.ContainsFunc(problems, about) {
			words = append(words, t.Name+": "+t.reason())
		}
	}
	if len(words) == 0 && len(problems) > 0 {
		return problems[0]
	}
	return strings.Join(words, "; ")
}

func (t Told) reason() string {
	if t.Rollout != nil && len(t.Rollout.WaitsFor) > 0 {
		var words []string
		for _, w := range t.Rollout.WaitsFor {
			words = append(words, w.Reason+" "+w.Node)
		}
		return "the rollout waits, " + strings.Join(words, ", ")
	}
	for _, s := range t.Here() {
		if s.State != harness.Live {
			return s.Node + " is " + s.State
		}
	}
	if t.Error != nil {
		return t.Error.Code
	}
	return cmp.Or(t.Condition, t.State)
}
