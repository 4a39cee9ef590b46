package chaos

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// told is the step's filter as the API describes it, once the server answers.
func (r *rig) told(s Step) Told {
	for r.ctx.Err() == nil {
		all, err := r.api.filters(r.ctx)
		if err == nil {
			for _, t := range all {
				if t.Name == string(Filters()[s.Filter]) {
					return t
				}
			}
		}
		rest(r.ctx, 20*time.Millisecond)
	}
	return Told{}
}

// compareHeld compares the words of the API and of the page about each Envoy with the Envoy's own
// answers, while the rollout of the step's filter is held in a state. There is nothing to compare
// if the rollout was over before the command, or if the server has lost it.
func (r *rig) compareHeld(s Step, state string) {
	var problems []string
	for began := time.Now(); time.Since(began) < stuckAfter; rest(r.ctx, 20*time.Millisecond) {
		if r.ctx.Err() != nil || r.t.Failed() {
			return
		}
		t := r.told(s)
		if t.Rollout == nil || t.Rollout.State != state {
			return
		}
		if problems = r.heldDifferences(s, t); len(problems) == 0 {
			r.report.Held++
			return
		}
	}
	r.report.disagree(s, fmt.Sprintf("the rollout is %s, and still after %v: %s", state, stuckAfter, strings.Join(problems, "; ")))
}

// heldDifferences returns the present differences about the step's filter.
func (r *rig) heldDifferences(s Step, t Told) (problems []string) {
	for _, e := range r.envoys {
		if problem := r.heldDifference(s, t, e); problem != "" {
			problems = append(problems, problem)
		}
	}
	if len(problems) > 0 {
		return problems
	}
	shown, err := r.page.filter(r.ctx, Filters()[s.Filter])
	if err != nil {
		return []string{err.Error()}
	}
	return PageDisagreements(t, shown)
}

// heldDifference compares an Envoy's answer with the API's words about the Envoy.
func (r *rig) heldDifference(s Step, t Told, e *envoy) string {
	here := slices.DeleteFunc(t.Here(), func(one harness.Subscriber) bool { return one.Node != e.ID })
	if len(here) != 1 || here[0].State != harness.Live {
		return fmt.Sprintf("%s on %s: %v is not one live stream", t.Name, e.ID, here)
	}
	for _, f := range r.plan.World.Filters[:s.Filter] {
		if f.Want(e.Version) == Denied {
			return "" // no request reaches the step's filter
		}
	}
	want := r.revisions[Filters()[s.Filter]][here[0].Revision]
	switch {
	case here[0].Variant == "passthrough" || here[0].Variant == "deny":
		want = ""
	case here[0].Revision == t.Rollout.Revision:
		want = s.Edits[0].Content.Label()
	}
	seen, err := e.shows()
	if err != nil {
		return e.ID + ": " + err.Error()
	}
	if seen[s.Filter] != want {
		return fmt.Sprintf("%s on %s: the API says %s, which is %s, and an answer shows %q", t.Name, e.ID, here[0].Revision, want, seen[s.Filter])
	}
	return ""
}
