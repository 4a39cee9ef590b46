package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// Shown is a filter as its page shows it to a user. The texts are the page's own.
type Shown struct {
	Link   string   // the state of the page's connection
	Stale  bool     // the page greys its figures
	Badges []string // beside the name
	Serves string
	Waves  []ShownWave
	Envoys []ShownEnvoy
}

// ShownWave is a wave of a rollout on the page of a filter.
type ShownWave struct {
	Name    string
	Live    string // as 2 / 4
	Current bool
}

// ShownEnvoy is a row of a table of Envoys, or of an Envoy's filters. Name is the first column.
type ShownEnvoy struct{ Name, State, Revision, Variant string }

// String returns the row in a few words.
func (e ShownEnvoy) String() string {
	return fmt.Sprintf("(%s %s %s %s)", e.Name, e.State, e.Revision, e.Variant)
}

// stale says why the figures of a page are not of now; "": they are.
func stale(link string, greyed bool) string {
	if link == "Live" && !greyed {
		return ""
	}
	return fmt.Sprintf("the page is not up to date: %s", cmp.Or(link, "no connection"))
}

// PageDisagreements returns the differences between a filter's page and the API.
func PageDisagreements(t Told, s Shown) (problems []string) {
	say := func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf("%s: ", t.Name)+fmt.Sprintf(format, args...))
	}
	if text := stale(s.Link, s.Stale); text != "" {
		say("%s", text)
		return problems
	}
	if want := t.badges(); !slices.Equal(s.Badges, want) {
		say("the page says %v, and the API means %v", s.Badges, want)
	}
	serves := "serves no revision"
	if t.Revision != "" {
		serves = "serves " + t.Revision
	}
	if s.Serves != serves {
		say("the page %s, the API %s", s.Serves, serves)
	}
	if want := t.waves(); !slices.Equal(s.Waves, want) {
		say("the page has the waves %v, the API %v", s.Waves, want)
	}
	if got, want := texts(s.Envoys), texts(t.rows()); got != want {
		say("the page has the Envoys %s, the API %s", got, want)
	}
	return problems
}

// EnvoyPageDisagreements returns the differences between the rows on an Envoy's page, the filters
// of the Envoy, and the API.
func EnvoyPageDisagreements(node string, told []Told, rows []ShownEnvoy) (problems []string) {
	for _, t := range told {
		var want, got []ShownEnvoy
		for _, s := range t.Here() {
			if s.Node == node {
				want = append(want, row(t.Name, s))
			}
		}
		for _, r := range rows {
			if r.Name == t.Name {
				got = append(got, r)
			}
		}
		if texts(got) != texts(want) {
			problems = append(problems, fmt.Sprintf("%s on %s: the Envoy's page has %s, the API %s", t.Name, node, texts(got), texts(want)))
		}
	}
	return problems
}

func row(name string, s harness.Subscriber) ShownEnvoy {
	return ShownEnvoy{name, word(s.State), cmp.Or(s.Revision, "–"), s.Variant}
}

// rows returns the Envoys that ask for the filter, as the page should show them.
func (t Told) rows() (rows []ShownEnvoy) {
	for _, s := range t.Here() {
		rows = append(rows, row(s.Node, s))
	}
	return rows
}

// texts returns rows in a fixed order, without the Envoys that have gone.
func texts(rows []ShownEnvoy) string {
	var all []string
	for _, r := range rows {
		if r.State != word(harness.Gone) {
			all = append(all, r.String())
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// word returns a state of the API as the page writes it.
func word(state string) string {
	if state == "" {
		return ""
	}
	text := strings.ReplaceAll(state, "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// badges returns the words for people beside the filter's name.
func (t Told) badges() []string {
	conditions := map[string]string{
		"failing": "Failing", "envoys_gone": "Its Envoys are gone", "progressing": "In progress", "live": "Live", "no_envoy": "No Envoy asks for it",
	}
	rollouts := map[string]string{"progressing": "Rolling out", "watching": "Live, still watched"}
	text := cmp.Or(conditions[t.Condition], word(t.Condition))
	switch {
	case t.Condition == "failing":
	case t.State == harness.Removed:
		text = "Removed"
	case t.Rollout != nil:
		if text = cmp.Or(rollouts[t.Rollout.State], word(t.Rollout.State)); t.Rollout.Overdue {
			text += ", overdue"
		}
	}
	all := []string{text}
	if t.Disabled {
		all = append(all, "Disabled")
	}
	switch {
	case t.Pinned:
		all = append(all, "Pinned")
	case t.Error.CodeOrNone() == "rolled_back":
		all = append(all, "Rolled back")
	}
	return all
}

// waves returns the waves of the filter's rollout, as the page should show them.
func (t Told) waves() (waves []ShownWave) {
	if t.Rollout == nil {
		return nil
	}
	names := map[string]string{"all": "all Envoys"} // the steps are percentages
	for i, w := range t.Rollout.Waves {
		waves = append(waves, ShownWave{
			Name: cmp.Or(names[w.Name], w.Name), Live: fmt.Sprintf("%d / %d", w.Live, w.Envoys),
			Current: i == t.Rollout.Wave && t.Rollout.State != "watching",
		})
	}
	return waves
}
