package delivery

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestCanaryGoesFirst(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2, 3)
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline")
	r.ack(1)
	r.want("2 auth two! inline", "3 auth two! inline")
}

func TestCanaryOfEachVersion(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	r.connect(3, connection{version: "1.36.4"}, "auth")
	r.connect(4, connection{version: "1.36.4"}, "auth")
	r.want("3 auth one inline") // not known to load on this version: one Envoy tries
	r.ack(3)
	r.want("4 auth one inline")
	r.ack(4)
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "3 auth two! inline")
	r.ack(1)
	r.want()
	r.nack(3, unable)
	// A version refuses it: the rollout stops, and the other version's canary goes back.
	r.want("1 auth one inline", "3 auth one inline")
}

func TestCanaryPolicies(t *testing.T) {
	tests := []struct {
		name   string
		canary spec.Canary
		want   []string
	}{
		{"two", spec.Canary{Count: 2}, []string{"1 auth two! inline", "2 auth two! inline"}},
		{"all at once", spec.Canary{Count: 0}, []string{"1 auth two! inline", "2 auth two! inline", "3 auth two! inline"}},
		{"half, rounded up", spec.Canary{Percent: 50}, []string{"1 auth two! inline", "2 auth two! inline"}},
		{"by id", spec.Canary{Selector: &spec.NodeSelector{IDs: []string{"edge-3"}}}, []string{"3 auth two! inline"}},
		{"nobody matches", spec.Canary{Selector: &spec.NodeSelector{IDs: []string{"none"}}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.live("auth", "one", 1, 2, 3)
			r.edit("auth", "two!", by(spec.Inline), canary(tt.canary))
			r.want(tt.want...)
		})
	}
}

func TestNewFilterWaitsForItsCanary(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.connect(1, connection{}, "auth")
	r.connect(2, connection{}, "auth")
	r.want("1 auth one inline")
	r.pass(2 * time.Second)
	r.want("2 auth deny/http inline")
	r.ack(2)
	r.wantState(2, "auth", "pending deny/http "+CodeWaitsForCanary)
	r.ack(1)
	r.want("2 auth one remote")
}

func TestBootDuringARolloutGetsTheStableOne(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.step(StreamClosed{Stream: 1})
	r.edit("auth", "two!")
	r.connect(2, connection{}, "auth")
	r.want("2 auth one inline")
	r.ack(2)
	r.want("2 auth two! remote")
}

func TestLostCanary(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	r.edit("auth", "crash", by(spec.Inline))
	r.want("1 auth crash inline")
	r.step(StreamClosed{Stream: 1})
	r.pass(time.Second)
	r.want()
	r.connect(3, connection{node: "edge-1"}, "auth")
	r.want("3 auth one inline")
	r.ack(3)
	r.want("3 auth crash inline") // a possible holder of the bytes is asked again, at once
	r.step(StreamClosed{Stream: 3})
	r.pass(30 * time.Second)
	r.want("2 auth crash inline") // another Envoy, after the pause
	r.step(StreamClosed{Stream: 2})
	st, _ := r.m.Status("auth")
	if st.Problem == nil || st.Problem.Code != CodeCanaryLost || r.called(st.Serving.ID) != "one" {
		t.Errorf("after three lost canaries: %+v", st.Problem)
	}
}

func TestServerKilledRightAfterTheCanarysRefusal(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	good := map[string]string{"auth": r.last[1].Version.String()}
	r.edit("auth", "bad!!", by(spec.Inline))
	r.want("1 auth bad!! inline")
	r.restart() // the NACK was never heard
	r.publish()
	r.connect(12, connection{node: "edge-2", accepted: good}, "auth")
	r.want()
	r.connect(11, connection{node: "edge-1", accepted: good}, "auth")
	r.want("11 auth bad!! inline")
	r.nack(11, unable)
	r.want("11 auth one inline")
	r.pass(time.Minute)
	r.want()
}

// An Envoy refuses a revision which other Envoys have loaded, and the server is killed before
// sending anything better. The Envoy may name the wanted version, and have the refused bytes
// stored.
func TestServerKilledRightAfterTheRefusalOfWhatLoadsElsewhere(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	good := map[string]string{"auth": r.last[2].Version.String()}
	r.edit("auth", "two!", by(spec.Inline))
	r.ack(1)
	r.want("1 auth two! inline", "2 auth two! inline")
	r.nack(2, unable)
	r.want("2 auth one inline")
	r.restart()
	r.edit("auth", "one", by(spec.Inline))
	r.connect(12, connection{node: "edge-2", accepted: good}, "auth")
	r.want("12 auth one inline")
}

// An Envoy that refuses everything would stop each rollout as the first canary.
func TestWhoRefusesWhatAllRunIsNoCanary(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.connect(2, connection{node: "edge-2"}, "auth")
	r.want("2 auth one inline")
	r.nack(2, unable)
	r.want("2 auth deny/http inline")
	r.nack(2, unable)
	r.want()
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "2 auth deny/http inline")
	r.nack(2, unable)
	r.want()
	r.ack(1)
	r.want("2 auth two! inline") // perhaps better for this Envoy
}

// A revision that an Envoy refused stays refused when the Envoy has gone, and when the server has
// restarted without it.
func TestARefusedRevisionStaysRefusedWithoutItsEnvoy(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one", by(spec.Inline))
	r.connect(1, connection{}, "auth")
	r.connect(2, connection{version: "1.36.4"}, "auth")
	r.want("1 auth one inline", "2 auth one inline")
	r.ack(1)
	r.ack(2)
	good := map[string]string{"auth": r.last[1].Version.String()}
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "2 auth two! inline")
	r.nack(2, unable)
	r.want("2 auth one inline")
	r.step(StreamClosed{Stream: 2})
	r.ack(1)
	r.want("1 auth one inline")
	r.ack(1)
	for range 2 {
		if st, _ := r.m.Status("auth"); r.called(st.Serving.ID) != "one" || st.Problem == nil || st.Problem.Code != CodeRejected {
			t.Fatalf("serving %s, %+v", r.called(st.Serving.ID), st.Problem)
		}
		r.restart()
		r.publish()
		r.connect(4, connection{node: "edge-1", accepted: good}, "auth")
		r.want()
	}
	for i := range r.memory.Filters {
		r.memory.Filters[i].Stops = nil // as an earlier release has written it
	}
	r.restart()
	r.publish()
	r.connect(4, connection{node: "edge-1", accepted: good}, "auth")
	r.want()
}

func TestEarlierRevisionGoesToAllAtOnce(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	r.edit("auth", "two!", by(spec.Inline))
	r.ack(1)
	r.ack(2)
	r.sent = nil
	r.edit("auth", "one", by(spec.Inline))
	r.want("1 auth one inline", "2 auth one inline")
}

func TestRemovalAndDisabling(t *testing.T) {
	tests := []struct {
		name   string
		option option
		want   []string
		state  string
	}{
		{"keep", gone(spec.Keep), nil, "live one " + CodeKept},
		{"passthrough", gone(spec.Passthrough), []string{"1 auth pass/http inline"}, "live pass/http " + CodeKept},
		{"deny", gone(spec.Deny), []string{"1 auth deny/http inline"}, "live deny/http " + CodeKept},
		{"disabled", disabled, []string{"1 auth pass/http inline"}, "live pass/http"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.live("auth", "one", 1)
			r.edit("auth", "one", tt.option)
			r.want(tt.want...)
			if len(tt.want) > 0 {
				r.ack(1)
			}
			r.wantState(1, "auth", tt.state)
			r.edit("auth", "one")
			if len(tt.want) > 0 {
				r.want("1 auth one remote")
				r.ack(1)
			}
			r.wantState(1, "auth", "live one")
		})
	}
}

func TestNameWithoutASpec(t *testing.T) {
	r := newRig(t)
	r.connect(1, connection{}, "ghost")
	r.want("1 ghost deny/http inline")
	r.nack(1, "filter config has type URL envoy.extensions.filters.http.wasm.v3.Wasm but expect envoy.extensions.filters.network.wasm.v3.Wasm.")
	r.want("1 ghost deny/network inline")
	r.ack(1)
	r.wantState(1, "ghost", "denied deny/network "+CodeUnknownFilter)
	// The type is remembered while a stream asks: the next stream gets the right stand-in at once.
	r.connect(2, connection{}, "ghost")
	r.want("2 ghost deny/network inline")
	r.step(StreamClosed{Stream: 1})
	r.step(StreamClosed{Stream: 2})
	r.connect(3, connection{}, "ghost")
	r.want("3 ghost deny/http inline")
}

func TestWrongType(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.connect(1, connection{}, "auth")
	r.nack(1, "filter config has type URL envoy.extensions.filters.http.wasm.v3.Wasm but expect envoy.extensions.filters.network.wasm.v3.Wasm.")
	r.want("1 auth one inline", "1 auth deny/network inline")
	r.ack(1)
	r.wantState(1, "auth", "rejected deny/network "+CodeWrongType)
	if st, _ := r.m.Status("auth"); st.Problem != nil {
		t.Errorf("an Envoy's own mistake is held against the revision: %+v", st.Problem)
	}
}

// A service is no filter: an Envoy that asks for it is denied, and a new revision has nothing to
// roll out.
func TestServiceOverECDS(t *testing.T) {
	r := newRig(t)
	service := func(f *snapshot.Filter) { f.Type = spec.Service }
	r.edit("traffic", "one", service)
	r.connect(1, connection{}, "traffic")
	r.want("1 traffic deny/http inline")
	r.ack(1)
	r.wantState(1, "traffic", "rejected deny/http "+CodeWrongType)
	r.edit("traffic", "two", service)
	r.want()
	st, _ := r.m.Status("traffic")
	if st.Candidate != nil || st.Stable == nil || st.Stable.ID != st.Wanted.Revision.ID {
		t.Errorf("the newest revision is not stable: %+v", st)
	}
}

func TestNodesAndRuntimes(t *testing.T) {
	r := newRig(t)
	only := func(f *snapshot.Filter) { f.Nodes = spec.NodeSelector{IDs: []string{"edge-1"}} }
	r.edit("auth", "one", only)
	r.connect(2, connection{}, "auth")
	r.want("2 auth deny/http inline")
	r.ack(2)
	r.wantState(2, "auth", "denied deny/http "+CodeNotSelected)
	r.connect(3, connection{runtimes: []string{"envoy.wasm.runtime.null"}, node: "edge-1"}, "auth", "ghost")
	r.want()
	r.wantState(3, "auth", "unsupported "+CodeRuntimeMissing)
	r.wantState(3, "ghost", "unsupported "+CodeRuntimeMissing)
	r.connect(1, connection{runtimes: []string{"envoy.wasm.runtime.v8"}}, "auth")
	r.want("1 auth one inline")
}

func TestOrderOnAStream(t *testing.T) {
	r := newRig(t)
	r.live("known", "k", 9)
	r.edit("aaa", "new")
	r.connect(1, connection{ads: true}, "aaa", "ghost", "known")
	r.want("1 ghost deny/http inline", "1 known k inline")
	r.ack(1)
	r.want()
	r.ack(1)
	r.want("1 aaa new inline") // not known to load: last, and alone
}

func TestRedact(t *testing.T) {
	secret := `{"password":"hunter2"}`
	r := &snapshot.Revision{Config: &secret, VM: snapshot.VM{Config: new("hunter2"), Env: map[string]string{"A": "hunter2"}}}
	var m masks
	for _, message := range []string{
		"Proto constraint validation failed: " + secret,
		"Unable to parse " + secret + " in config\nconfiguration: hunter2",
		"the password hunter2 is too short",
		strings.Repeat("hunter2 ", 10_000),
		strings.Repeat("hunter2", 10_000),
		strings.Repeat(" ", searched-3) + "hunter2",
	} {
		if got := m.redact(message, []*snapshot.Revision{{}, r}); len(got) == 0 || strings.Contains(got, "hunter2") {
			t.Errorf("redact(%q) = %q", message, got)
		}
	}
}
