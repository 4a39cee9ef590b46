package delivery

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// reloads needs Envoy 1.33, and stops needs Envoy 1.35.
func reloads(f *snapshot.Filter) { f.Policy, f.Revision.Policy = spec.Reload, spec.Reload }
func stops(f *snapshot.Filter)   { yes := true; f.Revision.AllowOnHeadersStopIteration = &yes }

func accept(settings ...spec.Setting) option {
	return func(f *snapshot.Filter) { f.AcceptLoss = settings }
}

// losses are the settings that the status says an Envoy ignores.
func (r *rig) losses(id StreamID, name string) (all []spec.Setting) {
	st, _ := r.m.Status(name)
	for _, s := range st.Subscribers {
		for _, l := range s.Losses {
			if s.Stream == id {
				all = append(all, l.Setting)
			}
		}
	}
	return all
}

func TestAnEnvoyThatIsTooOldForASettingKeepsWhatItHas(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	for id, version := range map[StreamID]string{1: "1.32.3", 2: "1.40.0"} {
		r.connect(id, connection{version: version}, "auth")
		r.sent = nil
		r.ack(id)
		r.wantState(id, "auth", "live one")
	}
	r.edit("auth", "two", reloads, by("inline"))
	r.want("2 auth two inline")
	r.ack(2)
	r.want()
	r.wantState(2, "auth", "live two")
	r.wantState(1, "auth", "rejected one envoy_too_old")
	if st, _ := r.m.Status("auth"); st.Problem != nil || st.Stable == nil || r.called(st.Stable.ID) != "two" {
		t.Errorf("the filter is %+v", st)
	}
	// A restart of the server and an Envoy that boots change nothing.
	r.restart()
	r.publish()
	r.connect(3, connection{version: "1.32.3"}, "auth")
	r.want("3 auth one inline")
	r.ack(3)
	r.wantState(3, "auth", "rejected one envoy_too_old")
	// The spec accepts the loss.
	r.edit("auth", "two", reloads, by("inline"), accept(spec.SettingFailurePolicy))
	r.want("3 auth two inline")
	r.ack(3)
	r.wantState(3, "auth", "live two")
	if got := r.losses(3, "auth"); len(got) != 1 || got[0] != spec.SettingFailurePolicy {
		t.Errorf("the losses are %v", got)
	}
}

func TestTooOldForTheFirstRevision(t *testing.T) {
	for _, tt := range []struct {
		version string
		change  option
		accept  []spec.Setting
		refused bool
	}{
		{"1.22.0", reloads, nil, true},
		{"1.22.0", reloads, []spec.Setting{spec.SettingStopIteration}, true},
		{"1.22.0", reloads, []spec.Setting{spec.SettingFailurePolicy}, false},
		{"1.33.0", reloads, nil, false},
		{"1.34.9", stops, nil, true},
		{"1.34.9", stops, []spec.Setting{spec.SettingStopIteration}, false},
		{"1.35.0", stops, nil, false},
		{"1.22.0", policy(spec.Open), nil, false},
		{"", stops, nil, false},
		{"dev", stops, nil, false},
	} {
		r := newRig(t)
		r.edit("auth", "one", tt.change, accept(tt.accept...))
		r.step(StreamOpened{Stream: 1, Node: Node{ID: "edge-1", Version: tt.version}, Delta: true})
		r.step(Requested{Stream: 1, Subscribe: []Subscription{{Name: "auth"}}})
		if tt.refused {
			r.want("1 auth deny/http inline")
			r.ack(1)
			r.wantState(1, "auth", "rejected deny/http envoy_too_old")
		} else {
			r.want("1 auth one inline")
			r.ack(1)
			r.wantState(1, "auth", "live one")
		}
		if st, _ := r.m.Status("auth"); (st.Problem != nil) != tt.refused {
			t.Errorf("%q: the filter's problem is %+v", tt.version, st.Problem)
		}
	}
}

// TestAnEnvoyKeepsWhatItRunsAlready shows a refusal takes nothing away from an Envoy.
func TestAnEnvoyKeepsWhatItRunsAlready(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "zero")
	r.connect(1, connection{version: "1.32.3"}, "auth")
	r.want("1 auth zero inline")
	r.ack(1)
	r.edit("auth", "one", reloads, by("inline"), accept(spec.SettingFailurePolicy))
	r.want("1 auth one inline")
	r.ack(1)
	r.wantState(1, "auth", "live one")
	r.edit("auth", "one", reloads, by("inline"))
	r.want()
	r.wantState(1, "auth", "rejected one envoy_too_old")
	// An Envoy without a revision gets the last that it can obey.
	r.connect(2, connection{version: "1.32.3"}, "auth")
	r.want("2 auth zero inline")
	r.ack(2)
	r.wantState(2, "auth", "rejected zero envoy_too_old")
}

// TestAllThatIsLostIsTold shows the error names both settings and the way to accept both
// losses.
func TestAllThatIsLostIsTold(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one", reloads, stops)
	f := r.m.filters.get("auth")
	p := tooOld(f.wanted, f.wanted.Revision, "1.30.1")
	if p == nil {
		t.Fatal("nothing is lost")
	}
	const message = "Envoy 1.30.1 is too old for revision "
	const hint = "upgrade that Envoy, change the spec, or serve it there all the same with " +
		"`acceptLoss: [failurePolicy, allowOnHeadersStopIteration]` in the spec"
	if p.Code != CodeEnvoyTooOld || p.Message[:len(message)] != message || p.Hint != hint {
		t.Errorf("the problem is %+v", p)
	}
}
