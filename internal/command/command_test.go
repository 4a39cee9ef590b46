package command

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func named(id string) *snapshot.Revision { return &snapshot.Revision{ID: id} }

// want wants an error with a code and a text, or none.
func want(t *testing.T, what string, got *api.Error, code, text string) {
	t.Helper()
	switch {
	case code == "" && got != nil:
		t.Errorf("%s: %v, want no error", what, got)
	case code != "" && (got == nil || got.Code != code || !strings.Contains(got.Error(), text)):
		t.Errorf("%s: %v, want %s with %q", what, got, code, text)
	}
}

func TestChooseRetry(t *testing.T) {
	v1, v2, v3 := named("aa1111111111"), named("aa2222222222"), named("bb3333333333")
	all := []delivery.RevisionStatus{{Revision: v3, Standing: delivery.Active}, {Revision: v2}, {Revision: v1}}
	st := delivery.FilterStatus{Name: "auth", Wanted: &snapshot.Filter{Name: "auth", Revision: v3}}
	for _, tt := range []struct {
		ask     string
		refused string // by an Envoy
		want    string
		code    string
	}{
		{"", v3.ID, v3.ID, ""},
		{"", v1.ID, v1.ID, ""},
		{"", "", "", CodeNothingToRetry},
		{"AA1", "", v1.ID, ""},
		{"aa", "", "", "ambiguous_revision"},
		{"dd", "", "", api.CodeNoRevision},
	} {
		got, problem := Retry(st, all, tt.ask, func(id string) bool { return id == tt.refused })
		want(t, tt.ask, problem, tt.code, "")
		if tt.code == "" && got.ID != tt.want {
			t.Errorf("%q: %s, want %s", tt.ask, got.ID, tt.want)
		}
	}
	v3.Refusals = []snapshot.Refusal{{Versions: []string{"1.36"}}}
	if got, problem := Retry(st, all, "", func(string) bool { return false }); problem != nil || got != v3 {
		t.Errorf("refused by the sandbox for a version: %v, %v", got, problem)
	}
	if _, problem := Retry(st, nil, "dd", nil); problem == nil || !strings.Contains(problem.Hint, "none yet") {
		t.Errorf("without revisions: %v", problem)
	}
}

func TestMayPromote(t *testing.T) {
	st := delivery.FilterStatus{Name: "auth", Serving: named("aa1111111111")}
	want(t, "no rollout", Promote(st), CodeNothingToPromote, "revision aa1111111111 is everyone's")
	st.Rollout = &delivery.Rollout{Revision: "bb3333333333"}
	want(t, "a rollout", Promote(st), "", "")
	st.Rollout.Stopped = &delivery.Problem{Code: delivery.CodeRejected, Message: "an Envoy refused it"}
	want(t, "a stopped one", Promote(st), delivery.CodeRejected, "wasm-xds retry auth")
}

func TestMayForget(t *testing.T) {
	now := time.Unix(1000, 0)
	described := delivery.FilterStatus{Name: "auth", Wanted: &snapshot.Filter{Name: "auth", SpecFile: "/specs/auth.yaml"}}
	removed := delivery.FilterStatus{Name: "auth", Wanted: &snapshot.Filter{Name: "auth", Removed: true}}
	broken := &spec.Error{Code: "bad_yaml", Message: "no YAML", Pos: spec.Position{File: "/specs/auth.yaml", Line: 3}}
	want(t, "with a spec", Forget(described, true, nil, false, now), api.CodeHasSpec, "/specs/auth.yaml")
	want(t, "with a broken spec", Forget(described, false, broken, false, now), api.CodeHasSpec, "/specs/auth.yaml:3")
	want(t, "held", Forget(described, false, nil, true, now), "", "")
	want(t, "held, and broken", Forget(described, false, broken, true, now), api.CodeHasSpec, "/specs/auth.yaml:3")
	want(t, "removed", Forget(removed, false, nil, false, now), "", "")
	want(t, "a name without a spec", Forget(delivery.FilterStatus{Name: "auth"}, false, nil, false, now), "", "")
	asked := removed
	for range 7 {
		address := "10.0.0." + string(rune('1'+len(asked.Subscribers))) + ":1"
		asked.Subscribers = append(asked.Subscribers, delivery.SubscriberStatus{Node: delivery.Node{ID: "edge", Address: address}, State: delivery.Live})
	}
	want(t, "asked for", Forget(asked, false, nil, false, now), api.CodeStillAsked, "7 Envoys ask for filter \"auth\": edge (10.0.0.1:1)")
	want(t, "asked for by many", Forget(asked, false, nil, false, now), api.CodeStillAsked, "2 more")
	removed.BackBy = now.Add(90 * time.Second)
	want(t, "soon after a start", Forget(removed, false, nil, false, now), api.CodeStillAsked, "try again in 1m30s")
}
