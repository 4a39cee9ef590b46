package delivery

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/reach"
)

// reachable says whether the Envoy on stream 1 reaches the module server, as far as the machine
// knows.
func (r *rig) reachable() bool {
	st, _ := r.m.Stream(1)
	return st.Unreached.IsZero() && r.m.Unreached() == 0
}

// unreach makes the Envoy on stream 1 unreached: the first edit waits for a GET, and loads inline.
func unreach(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "two!")
	r.nack(1, unable)
	r.pass(3 * time.Second)
	r.want("1 auth two! remote", "1 auth two! inline")
	if !r.reachable() {
		t.Error("the code may not load at all")
	}
	r.ack(1)
	r.wantState(1, "auth", "live two! "+CodeFetchFailed)
	if r.reachable() {
		t.Error("the code has loaded, and no GET has come")
	}
	return r
}

// TestAnEnvoyWithoutModulesWaitsOnce: later edits go inline at once, apart from probes, which wait
// for half a second, first soon and then ever more rarely.
func TestAnEnvoyWithoutModulesWaitsOnce(t *testing.T) {
	r := unreach(t)
	probe := func(content string) {
		t.Helper()
		r.edit("auth", content)
		r.nack(1, unable)
		r.pass(time.Second / 2)
		r.want("1 auth "+content+" remote", "1 auth "+content+" inline")
		r.ack(1)
		r.wantState(1, "auth", "live "+content+" "+CodeFetchFailed)
	}
	inline := func(content string) {
		t.Helper()
		r.edit("auth", content)
		r.want("1 auth " + content + " inline")
		r.ack(1)
		r.wantState(1, "auth", "live "+content+" "+CodeFetchFailed)
	}
	probe("three")
	inline("three3")
	inline("three33")
	r.pass(reach.FirstProbePause)
	probe("three333")
	r.pass(reach.FirstProbePause)
	inline("three3333")
	r.pass(reach.FirstProbePause)
	probe("three33333")
	r.pass(24 * time.Hour)
	probe("three333333")
	r.pass(reach.MostProbePause)
	probe("three3333333")
}

func TestAGETEndsIt(t *testing.T) {
	t.Run("of a probe", func(t *testing.T) {
		r := unreach(t)
		r.edit("auth", "three")
		r.nack(1, unable)
		r.taken(1)
		r.want("1 auth three remote", "1 auth three remote")
		r.ack(1)
		r.wantState(1, "auth", "live three")
		if !r.reachable() {
			t.Error("a GET has come")
		}
		r.edit("auth", "four44")
		r.want("1 auth four44 remote")
	})
	t.Run("that comes late", func(t *testing.T) {
		r := newRig(t)
		r.live("auth", "one", 1)
		r.edit("auth", "two!")
		token := r.last[1].Version.Salt
		r.nack(1, unable)
		r.pass(3 * time.Second)
		r.ack(1)
		r.step(FetchStarted{Token: token})
		r.wantState(1, "auth", "live two!")
		if !r.reachable() {
			t.Error("a GET has come")
		}
	})
	t.Run("before the code is answered inline", func(t *testing.T) {
		r := newRig(t)
		r.live("auth", "one", 1)
		r.edit("auth", "two!")
		token := r.last[1].Version.Salt
		r.nack(1, unable)
		r.pass(3 * time.Second)
		r.step(FetchStarted{Token: token})
		r.ack(1)
		r.wantState(1, "auth", "live two!")
		if !r.reachable() {
			t.Error("a GET has come")
		}
	})
}

// TestCodeThatDoesNotLoadSaysNothingOfTheModuleServer: Envoy has the code cached and sends no GET.
func TestCodeThatDoesNotLoadSaysNothingOfTheModuleServer(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "bad")
	token := r.last[1].Version.Salt
	r.nack(1, unable)
	r.pass(3 * time.Second)
	r.nack(1, unable)
	r.ack(1)
	if _, late := r.m.fetches.reach.Late(token); late || !r.reachable() {
		t.Errorf("%+v", r.m.fetches.reach)
	}
}

// TestReachIsTheEnvoys: another stream of the Envoy, and its next connection, get inline code at
// once; another Envoy does not.
func TestReachIsTheEnvoys(t *testing.T) {
	r := unreach(t)
	r.edit("hello", "hi")
	r.connect(2, connection{node: "edge-1"}, "hello")
	r.connect(3, connection{}, "hello")
	r.ack(2)
	r.ack(3)
	r.sent = nil
	r.edit("auth", "a probe")
	r.nack(1, unable)
	r.sent = nil
	r.edit("hello", "hello")
	if got := r.last[2].Version.Variant; got != Inline {
		t.Errorf("the same Envoy: %s", got)
	}
	r.ack(2)
	if got := r.last[3].Version.Variant; got != Remote {
		t.Errorf("another Envoy: %s", got)
	}
	r.step(StreamClosed{Stream: 1})
	if r.m.Unreached() != 1 {
		t.Errorf("%d Envoys do not reach the module server", r.m.Unreached())
	}
	r.step(StreamClosed{Stream: 2})
	if r.m.Unreached() != 0 {
		t.Error("one that has gone is counted")
	}
}
