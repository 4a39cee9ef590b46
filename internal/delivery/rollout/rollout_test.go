package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

var (
	next   = &snapshot.Revision{ID: "next"}
	stable = &snapshot.Revision{ID: "stable"}
	start  = time.Unix(1000, 0)
)

// fakeGroup is a group in numbers. The canaries are of the revision next.
type fakeGroup struct {
	envoy                     string
	size, preferred, canaries int
	passed, allRun            bool
	loads, refuses, foretold  []*snapshot.Revision
	nodes                     []string
}

func (g *fakeGroup) Envoy() string                        { return g.envoy }
func (g *fakeGroup) Size() int                            { return g.size }
func (g *fakeGroup) Preferred() int                       { return g.preferred }
func (g *fakeGroup) IsForetold(r *snapshot.Revision) bool { return slices.Contains(g.foretold, r) }
func (g *fakeGroup) Canaries(*snapshot.Revision) int      { return g.canaries }
func (g *fakeGroup) Passed(*snapshot.Revision) bool       { return g.passed }
func (g *fakeGroup) AllRun(*snapshot.Revision) bool       { return g.allRun }
func (g *fakeGroup) HasOther(nodes map[string]int) bool {
	return slices.ContainsFunc(g.nodes, func(n string) bool { return nodes[n] == 0 })
}

func (g *fakeGroup) Verdict(r *snapshot.Revision) (verdict.Verdict, bool) {
	loads := slices.Contains(g.loads, r)
	return verdict.Verdict{Loads: loads}, loads || slices.Contains(g.refuses, r)
}

// decided is a decision as a table has it: "stop refused 1.40", "promote", or the number of
// canaries of each version, and until when only suspects may be asked, in seconds.
func decided(d Decision) string {
	switch {
	case d.Stop != nil:
		words := []string{"stop", strings.ReplaceAll(string(d.Stop.Why), "_", " "), d.Stop.Envoy}
		if d.Stop.Losses != nil {
			words = append(words, fmt.Sprint(d.Stop.Losses))
		}
		return strings.Join(words, " ")
	case d.Promote:
		return "promote"
	}
	var words []string
	for _, c := range d.Canaries {
		word := fmt.Sprintf("%d of %s", c.Number, c.Group.Envoy())
		if !c.SuspectsUntil.IsZero() {
			word += fmt.Sprintf(", suspects for %s", c.SuspectsUntil.Sub(start))
		}
		words = append(words, word)
	}
	return strings.Join(words, "; ")
}

func key(envoy string) verdict.Key { return verdict.Key{Revision: next.ID, Envoy: envoy} }

func lose(r *Rollout, envoy, node string, times int) {
	for range times {
		r.Lose(key(envoy), node, WaitBack, start, start.Add(30*time.Second))
	}
}

// The events of a rollout, the groups, and the decision.
func TestDecide(t *testing.T) {
	edges := &spec.NodeSelector{IDs: []string{"edge-1"}}
	two := func(change ...func(a, b *fakeGroup)) []*fakeGroup {
		a, b := &fakeGroup{envoy: "1.39", size: 10}, &fakeGroup{envoy: "1.40", size: 30}
		a.nodes, b.nodes = []string{"a", "other"}, []string{"b", "other"}
		for _, c := range change {
			c(a, b)
		}
		return []*fakeGroup{a, b}
	}
	tests := []struct {
		name      string
		events    func(r *Rollout)
		groups    []*fakeGroup
		policy    spec.Canary
		stable    *snapshot.Revision
		wasStable bool
		after     time.Duration
		want      string
	}{
		{name: "nobody is connected", want: ""},
		{name: "no policy: all are canaries", groups: two(), want: "10 of 1.39; 30 of 1.40"},
		{name: "one canary: one of each version", groups: two(), policy: spec.Canary{Count: 1}, want: "1 of 1.39; 1 of 1.40"},
		{name: "five canaries", groups: two(), policy: spec.Canary{Count: 5}, want: "4 of 1.39; 1 of 1.40"},
		{name: "percent", groups: two(), policy: spec.Canary{Percent: 30}, want: "10 of 1.39; 2 of 1.40"},
		{
			name: "named canaries", policy: spec.Canary{Selector: edges},
			groups: two(func(_, b *fakeGroup) { b.preferred = 2 }), want: "1 of 1.39; 2 of 1.40",
		},
		{name: "named canaries, and none is connected", groups: two(), policy: spec.Canary{Selector: edges}, want: ""},
		{
			name: "promoted by hand", groups: two(), policy: spec.Canary{Selector: edges},
			events: func(r *Rollout) { r.Promote(next.ID, "", true) }, want: "1 of 1.39; 1 of 1.40",
		},
		{
			name: "another candidate ends the promotion", groups: two(), policy: spec.Canary{Selector: edges},
			events: func(r *Rollout) { r.Promote(next.ID, "", true); r.Begin(next) }, want: "",
		},
		{
			name: "refused", groups: two(func(_, b *fakeGroup) { b.refuses = []*snapshot.Revision{next} }),
			stable: stable, want: "stop refused 1.40",
		},
		{
			name: "refused where the stable revision does not load either", stable: stable, policy: spec.Canary{Count: 1},
			groups: two(func(_, b *fakeGroup) { b.refuses = []*snapshot.Revision{next, stable} }), want: "1 of 1.39",
		},
		{
			name: "for no connected version", stable: stable,
			groups: two(func(a, b *fakeGroup) {
				a.foretold, b.foretold = []*snapshot.Revision{next}, []*snapshot.Revision{next}
			}), want: "stop for none 1.40",
		},
		{
			name: "for one version only", policy: spec.Canary{Count: 1},
			groups: two(func(a, _ *fakeGroup) { a.foretold = []*snapshot.Revision{next} }), want: "1 of 1.40",
		},
		{
			name: "was stable before, and loads everywhere", wasStable: true,
			groups: two(func(a, b *fakeGroup) { a.loads, b.loads = []*snapshot.Revision{next}, []*snapshot.Revision{next} }),
			want:   "promote",
		},
		{
			name: "was stable before, and a version is new to it", wasStable: true, policy: spec.Canary{Count: 1},
			groups: two(func(a, _ *fakeGroup) { a.loads = []*snapshot.Revision{next} }), want: "1 of 1.39; 1 of 1.40",
		},
		{
			name: "a lost node: only its version waits", groups: two(), policy: spec.Canary{Count: 1},
			events: func(r *Rollout) { lose(r, "1.40", "b", 1) }, want: "1 of 1.39; 1 of 1.40, suspects for 30s",
		},
		{
			name: "a lost node, and the pause is over", groups: two(), policy: spec.Canary{Count: 1}, after: 30 * time.Second,
			events: func(r *Rollout) { lose(r, "1.40", "b", 1) }, want: "1 of 1.39; 1 of 1.40",
		},
		{
			name: "a lost node answers", groups: two(), policy: spec.Canary{Count: 1},
			events: func(r *Rollout) { lose(r, "1.40", "b", 1); r.Acquit(key("1.40"), "b", false) }, want: "1 of 1.39; 1 of 1.40",
		},
		{
			name: "an operator waits no more", groups: two(), policy: spec.Canary{Count: 1},
			events: func(r *Rollout) { lose(r, "1.40", "b", 1); r.Promote(next.ID, "", true) }, want: "1 of 1.39; 1 of 1.40",
		},
		{
			name: "a restarted server waits for the node", groups: two(), policy: spec.Canary{Count: 1},
			events: func(r *Rollout) { r.Doubt(key("1.39"), "a", start, start.Add(30*time.Second)) },
			want:   "1 of 1.39, suspects for 30s; 1 of 1.40",
		},
		{
			name: "a node of unknown version holds all versions", groups: two(), policy: spec.Canary{Count: 1},
			events: func(r *Rollout) { r.Doubt(key(""), "a", start, start.Add(30*time.Second)) },
			want:   "1 of 1.39, suspects for 30s; 1 of 1.40, suspects for 30s",
		},
		{
			name: "it comes back as a 1.39", groups: two(), policy: spec.Canary{Count: 1},
			events: func(r *Rollout) { r.Doubt(key(""), "a", start, start.Add(30*time.Second)); r.Adopt("a", "1.39") },
			want:   "1 of 1.39, suspects for 30s; 1 of 1.40",
		},
		{
			name: "several nodes are lost", groups: two(),
			events: func(r *Rollout) { lose(r, "1.40", "b", 2); lose(r, "1.40", "other", 1) }, want: "stop lost 1.40 map[b:2 other:1]",
		},
		{
			name: "one node is lost again and again, and there are others", groups: two(), policy: spec.Canary{Count: 1},
			after: time.Minute, events: func(r *Rollout) { lose(r, "1.40", "b", 3) }, want: "1 of 1.39; 1 of 1.40",
		},
		{
			name: "one node is lost again and again, and is alone", groups: []*fakeGroup{{envoy: "1.40", size: 1, nodes: []string{"b"}}},
			events: func(r *Rollout) { lose(r, "1.40", "b", 3) }, want: "stop lost 1.40 map[b:3]",
		},
		{
			name: "the nodes lose the stable revision, too", groups: two(), stable: stable, policy: spec.Canary{Count: 1},
			after: time.Minute, want: "1 of 1.39; 1 of 1.40",
			events: func(r *Rollout) {
				for _, node := range []string{"b", "other"} {
					lose(r, "1.40", node, 2)
					r.Lose(verdict.Key{Revision: stable.ID, Envoy: "1.40"}, node, WaitBack, start, start)
				}
			},
		},
		{
			name: "the operator retries", groups: two(), policy: spec.Canary{Count: 1},
			events: func(r *Rollout) {
				lose(r, "1.40", "b", 2)
				lose(r, "1.40", "other", 2)
				r.Retry(next.ID)
			}, want: "1 of 1.39; 1 of 1.40",
		},
		{
			name: "wanted again after losses: the waits go on", groups: two(), policy: spec.Canary{Count: 1},
			events: func(r *Rollout) {
				lose(r, "1.40", "b", 2)
				lose(r, "1.40", "other", 2)
				r.Begin(next)
			}, want: "1 of 1.39; 1 of 1.40, suspects for 30s",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Rollout
			if tt.events != nil {
				tt.events(&r)
			}
			f := Facts{
				View:   View{Revision: next, Stable: tt.stable, Groups: asGroups(tt.groups)},
				Policy: tt.policy, WasStable: tt.wasStable, Now: start.Add(tt.after),
			}
			if got := decided(r.Decide(&f, nil)); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func asGroups(all []*fakeGroup) []Group {
	groups := make([]Group, len(all))
	for i, g := range all {
		groups[i] = g
	}
	return groups
}

// When a candidate becomes stable.
func TestPassed(t *testing.T) {
	edges := spec.Canary{Selector: &spec.NodeSelector{IDs: []string{"edge-1"}}}
	tests := []struct {
		name   string
		events func(r *Rollout)
		groups []*fakeGroup
		policy spec.Canary
		want   bool
	}{
		{name: "nobody is connected"},
		{name: "a canary loads", groups: []*fakeGroup{{canaries: 1}}},
		{name: "all canaries run it", groups: []*fakeGroup{{canaries: 1, passed: true}}, want: true},
		{name: "a version has none yet", groups: []*fakeGroup{{canaries: 1, passed: true}, {canaries: 1}}},
		{name: "a version without an Envoy to ask", groups: []*fakeGroup{{canaries: 1, passed: true}, {}}, want: true},
		{
			name: "a version that waits for a suspect", groups: []*fakeGroup{{envoy: "1.39", canaries: 1, passed: true}, {envoy: "1.40"}},
			events: func(r *Rollout) { lose(r, "1.40", "b", 1) },
		},
		{name: "no named canary is connected", groups: []*fakeGroup{{canaries: 1, passed: true}}, policy: edges},
		{name: "no named canary is connected, and all run it", groups: []*fakeGroup{{allRun: true}}, policy: edges, want: true},
		{
			name: "promoted by hand", groups: []*fakeGroup{{}}, policy: edges, want: true,
			events: func(r *Rollout) { r.Promote(next.ID, "", true) },
		},
		{
			name: "promoted by hand, and a canary loads", groups: []*fakeGroup{{canaries: 1}}, policy: edges,
			events: func(r *Rollout) { r.Promote(next.ID, "", true) },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r Rollout
			if tt.events != nil {
				tt.events(&r)
			}
			f := Facts{View: View{Revision: next, Groups: asGroups(tt.groups)}, Policy: tt.policy, Now: start}
			if got := (needs{&r, &f}).passed(); got != tt.want {
				t.Errorf("%t", got)
			}
		})
	}
}

// A version that is new to the stable revision gets a single canary.
func TestNewcomers(t *testing.T) {
	old, newer := &fakeGroup{envoy: "1.39", loads: []*snapshot.Revision{stable}}, &fakeGroup{envoy: "1.40", size: 9}
	never := &fakeGroup{envoy: "1.41", foretold: []*snapshot.Revision{stable}}
	v := View{Revision: stable, Stable: stable, Groups: asGroups([]*fakeGroup{old, newer, never})}
	var r Rollout
	if got := decided(Decision{Canaries: r.Newcomers(&v, start, nil)}); got != "1 of 1.40" {
		t.Error(got)
	}
}

// Clients that make up an Envoy version each do not make each step slower.
func TestMadeUpVersionsAreBounded(t *testing.T) {
	var r Rollout
	for i := range 3 * suspicionLimit {
		room := r.Lose(key(fmt.Sprint("1.", i)), fmt.Sprint(i), WaitBack, start, start.Add(time.Minute))
		if room != (i < suspicionLimit) {
			t.Fatalf("version %d: room is %t", i, room)
		}
	}
	if !r.Lose(key("1.0"), "another", WaitBack, start, start.Add(time.Minute)) || len(r.suspects.all) != suspicionLimit {
		t.Errorf("%d versions are suspected", len(r.suspects.all))
	}
}

// The suspects are bounded, and a revision that is not served any more takes its suspects along
// once nobody waits for them.
func TestSuspectsAreBounded(t *testing.T) {
	var r Rollout
	for i := range 2 * suspectLimit {
		r.Lose(key("1.40"), fmt.Sprint(i), WaitBack, start, start.Add(time.Minute))
	}
	if r.suspects.size != suspectLimit || r.suspects.losses != suspectLimit {
		t.Errorf("%d suspects, %d losses", r.suspects.size, r.suspects.losses)
	}
	none := func(string) bool { return false }
	if r.Prune(start, none); !r.HasSuspects() {
		t.Error("the waits are not over")
	}
	if r.Prune(start.Add(time.Minute), none); r.HasSuspects() || r.HasManyLosses() {
		t.Errorf("%+v", r)
	}
}
