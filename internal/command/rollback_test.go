package command

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

func TestRollBack(t *testing.T) {
	named := func(id string) *snapshot.Revision { return &snapshot.Revision{ID: id} }
	v1, v2, v3, v4 := named("aa1111111111"), named("aa2222222222"), named("bb3333333333"), named("cc4444444444")
	all := []delivery.RevisionStatus{
		{Revision: v4, Standing: delivery.Active},
		{Revision: v3, Standing: delivery.Refused, Problem: &delivery.Problem{Message: "Envoy refused it"}},
		{Revision: v2},
		{Revision: v1},
	}
	st := delivery.FilterStatus{Name: "auth", Wanted: &snapshot.Filter{Name: "auth", Revision: v4}, Stable: v4, Older: []*snapshot.Revision{v3, v2, v1}}
	tests := []struct {
		ask, want, code string
	}{
		{"", v2.ID, ""}, // v3 was refused
		{v1.ID, v1.ID, ""},
		{"aa1", v1.ID, ""},
		{"AA2", v2.ID, ""},
		{"aa", "", "ambiguous_revision"},
		{"dd", "", "no_such_revision"},
		{"cc", "", "nothing_to_roll_back"},
		{"bb", "", delivery.CodeRejected},
	}
	for _, tt := range tests {
		got, problem := RollBack(st, all, tt.ask, false)
		switch {
		case tt.code == "" && (problem != nil || got.ID != tt.want):
			t.Errorf("%q: %v, %v, want %s", tt.ask, got, problem, tt.want)
		case tt.code != "" && (problem == nil || problem.Code != tt.code || !strings.Contains(problem.Hint, v2.ID)):
			t.Errorf("%q: %v, want %s with a list", tt.ask, problem, tt.code)
		}
	}
	st.Wanted = &snapshot.Filter{Name: "auth", Revision: v3} // as if refused: all Envoys run v4
	if got, problem := RollBack(st, all, "", false); problem != nil || got != v4 {
		t.Errorf("from a refused one: %v, %v", got, problem)
	}
	if _, problem := RollBack(delivery.FilterStatus{Name: "auth", Wanted: st.Wanted, Stable: v3}, all, "", false); problem == nil || problem.Code != "no_such_revision" {
		t.Errorf("nothing before: %v", problem)
	}
}

// TestHistoryDoesNotOfferWhatIsServed: the newest revision is refused, and all Envoys run the
// previous one.
func TestHistoryDoesNotOfferWhatIsServed(t *testing.T) {
	one, two := &snapshot.Revision{ID: "aa1111111111"}, &snapshot.Revision{ID: "aa2222222222"}
	all := []delivery.RevisionStatus{{Revision: two}, {Revision: one}}
	st := delivery.FilterStatus{Name: "auth", Wanted: &snapshot.Filter{Name: "auth", Revision: two}, Stable: two, Serving: two, Older: []*snapshot.Revision{one}}
	if got := Offered(st, all); got != one.ID {
		t.Errorf("%q is offered", got)
	}
	all[0].Standing, all[1].Standing = delivery.Refused, delivery.Active
	st.Stable, st.Serving, st.Older = one, one, nil
	if got := Offered(st, all); got != "" {
		t.Errorf("%q is offered, and is served", got)
	}
	st.Wanted = &snapshot.Filter{Name: "auth", Revision: two, Removed: true}
	if got := Offered(st, all); got != "" {
		t.Errorf("%q is offered of a filter without a spec", got)
	}
}
