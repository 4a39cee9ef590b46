package delivery

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func TestBootIsInlineWhateverTheDelivery(t *testing.T) {
	for _, d := range []spec.Delivery{spec.Remote, spec.Inline, spec.File} {
		r := newRig(t)
		r.edit("auth", "one", by(d))
		r.connect(1, connection{}, "auth")
		r.want("1 auth one inline")
		r.wantState(1, "auth", "pending")
		r.ack(1)
		r.wantState(1, "auth", "live one")
		r.want()
	}
}

func TestRemoteUpdateInTwoPushes(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "two!")
	r.want("1 auth two! remote")
	first := r.last[1].Version
	r.nack(1, unable)
	r.wantState(1, "auth", "fetching one")
	r.fetched(1, true)
	r.want()
	r.pass(20 * time.Millisecond)
	r.want("1 auth two! remote")
	if r.last[1].Version == first {
		t.Fatal("the second push has the bytes of the first")
	}
	r.ack(1)
	r.wantState(1, "auth", "live two!")
}

func TestNoPauseWhereEnvoyHasClosedItsConnection(t *testing.T) {
	for name, steps := range map[string]func(r *rig){
		"after the NACK":  func(r *rig) { r.nack(1, unable); r.taken(1) },
		"before the NACK": func(r *rig) { r.taken(1); r.nack(1, unable) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.live("auth", "one", 1)
			r.edit("auth", "two!")
			r.want("1 auth two! remote")
			steps(r)
			r.want("1 auth two! remote")
			// A proxy closed the connection: the next push waits longer.
			steps(r)
			r.want()
			r.pass(200 * time.Millisecond)
			r.want("1 auth two! remote")
			r.ack(1)
			r.wantState(1, "auth", "live two!")
		})
	}
}

func TestRemoteUpdateOfCachedCode(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "two!")
	r.want("1 auth two! remote")
	r.ack(1)
	r.wantState(1, "auth", "live two!")
}

func TestGETBeforeTheNACKIsHeard(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "two!")
	r.fetched(1, true)
	r.nack(1, unable)
	r.pass(20 * time.Millisecond)
	r.want("1 auth two! remote", "1 auth two! remote")
}

func TestRemoteFallsBackToInline(t *testing.T) {
	tests := []struct {
		name string
		then func(r *rig)
		code string
	}{
		{"no GET comes", func(r *rig) { r.nack(1, unable); r.pass(3 * time.Second) }, " " + CodeFetchFailed},
		{"the GET breaks", func(r *rig) { r.nack(1, unable); r.fetched(1, false) }, " " + CodeFetchFailed},
		{"the GET breaks before the NACK", func(r *rig) { r.fetched(1, false); r.nack(1, unable) }, " " + CodeFetchFailed},
		{"the GET never ends", func(r *rig) {
			r.nack(1, unable)
			r.step(FetchStarted{Token: r.last[1].Version.Salt})
			r.pass(2 * time.Minute)
		}, " " + CodeFetchFailed},
		{"it is not cached after three pushes", func(r *rig) {
			for i := range 3 {
				r.nack(1, unable)
				if i < 2 {
					r.fetched(1, true)
					r.pass([]time.Duration{20 * time.Millisecond, 200 * time.Millisecond}[i])
					r.want("1 auth two! remote")
				}
			}
		}, " " + CodeFetchFailed},
		{"it is cached and does not load", func(r *rig) {
			r.nack(1, unable)
			r.fetched(1, true)
			r.pass(20 * time.Millisecond)
			r.want("1 auth two! remote")
			r.nack(1, unable)
			r.pass(time.Second)
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.live("auth", "one", 1)
			r.edit("auth", "two!")
			r.want("1 auth two! remote")
			tt.then(r)
			r.want("1 auth two! inline")
			r.ack(1)
			r.wantState(1, "auth", "live two!"+tt.code)
		})
	}
}

func TestWhenRemoteIsNotTried(t *testing.T) {
	t.Run("over 32 MiB", func(t *testing.T) {
		r := newRig(t)
		r.live("auth", "one", 1)
		r.edit("auth", "two!", size(32<<20+1))
		r.want("1 auth two! inline")
	})
	t.Run("another name on the ADS stream has nothing", func(t *testing.T) {
		r := newRig(t)
		r.edit("auth", "one")
		r.edit("hello", "hi", canary(spec.Canary{Count: 1}))
		r.connect(1, connection{ads: true}, "auth")
		r.ack(1)
		r.step(Requested{Stream: 1, Subscribe: []Subscription{{Name: "hello"}}})
		r.edit("auth", "two!")
		r.want("1 auth one inline", "1 hello hi inline")
		r.ack(1)
		r.want("1 auth two! remote")
	})
	t.Run("resubscribed: it may run nothing", func(t *testing.T) {
		r := newRig(t)
		r.live("auth", "one", 1)
		r.step(Requested{Stream: 1, Unsubscribe: []string{"auth"}, Subscribe: []Subscription{{Name: "auth"}}})
		r.want("1 auth one inline")
	})
}

func TestFile(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "two!", by(spec.File))
	r.want("1 auth two! file")
	r.nack(1, "Invalid path: /nowhere/x.wasm")
	r.want("1 auth two! inline")
	r.ack(1)
	r.wantState(1, "auth", "live two! "+CodeFileUnreadable)
}

func TestRefusalPutsTheLastGoodBack(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	booted := r.last[1].Version
	r.edit("auth", "bad!!", by(spec.Inline))
	r.want("1 auth bad!! inline")
	r.nack(1, unable)
	r.want("1 auth one inline")
	if r.last[1].Version == booted {
		t.Fatal("the last good revision came back in the same bytes: Envoy would not look at it")
	}
	r.ack(1)
	r.wantState(1, "auth", "rejected one "+CodeRejected)
	st, _ := r.m.Status("auth")
	if st.Problem == nil || st.Problem.Code != CodeRejected || r.called(st.Serving.ID) != "one" {
		t.Errorf("filter: %+v", st)
	}
	r.edit("auth", "better")
	r.want("1 auth better remote")
}

func TestRefusalWithoutALastGood(t *testing.T) {
	for p, standIn := range map[spec.FailurePolicy]string{spec.Closed: "deny/http", spec.Reload: "deny/http", spec.Open: "pass/http"} {
		r := newRig(t)
		r.edit("auth", "bad", policy(p))
		r.connect(1, connection{}, "auth")
		r.nack(1, unable)
		r.want("1 auth bad inline", "1 auth "+standIn+" inline")
		r.ack(1)
		r.wantState(1, "auth", "rejected "+standIn+" "+CodeRejected)
	}
}

func TestAClientThatRefusesEverything(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one")
	r.connect(1, connection{}, "auth", "ghost")
	n := 0
	for ; n < 50 && len(r.sent) > 0; n++ {
		r.sent = nil
		r.nack(1, unable)
		r.pass(time.Minute)
	}
	if n > 6 {
		t.Errorf("%d responses to a client that refuses them all", n)
	}
	r.edit("auth", "two!")
	r.want("1 auth two! inline")
}

func TestRefusalIsKeptAcrossARestart(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	good := r.last[1].Version.String()
	r.edit("auth", "bad!!", by(spec.Inline))
	r.nack(1, unable)
	r.want("1 auth bad!! inline", "1 auth one inline")
	r.ack(1)
	r.restart()
	r.publish()
	r.connect(2, connection{node: "edge-1", accepted: map[string]string{"auth": r.last[1].Version.String()}}, "auth")
	r.want()
	r.wantState(2, "auth", "live one")
	r.connect(3, connection{}, "auth")
	r.want("3 auth one inline")
	if r.last[3].Version.String() == good {
		t.Error("a salt of the process before")
	}
}

func TestReconnect(t *testing.T) {
	for _, sotw := range []bool{false, true} {
		r := newRig(t)
		r.live("auth", "one", 1)
		accepted := map[string]string{"auth": r.last[1].Version.String()}
		r.restart()
		r.publish()
		r.connect(2, connection{node: "edge-1", sotw: sotw, accepted: accepted}, "auth")
		if !sotw {
			r.want()
			r.wantState(2, "auth", "live one")
			continue
		}
		r.want("2 auth one inline")
		if got := r.last[2].Version.String(); got != accepted["auth"] {
			t.Errorf("SotW: %s is not the same bytes as %s", got, accepted["auth"])
		}
		r.ack(2)
		r.wantState(2, "auth", "live one")
	}
}

func TestStreamLostWithAnAnswerOutstanding(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	booted := r.last[1].Version.String()
	r.edit("auth", "two!", by(spec.Inline))
	lost := r.last[1].Version
	r.step(StreamClosed{Stream: 1})
	r.edit("auth", "one") // back, but Envoy may have refused and stored the other revision
	r.sent = nil
	r.connect(2, connection{node: "edge-1", accepted: map[string]string{"auth": booted}}, "auth")
	r.want("2 auth one remote")
	r.ack(2)
	r.edit("auth", "two!", by(spec.Inline))
	if r.last[2].Version == lost {
		t.Error("bytes that may have been refused were sent again")
	}
}

func TestNoAnswerIsFlagged(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "loops")
	r.connect(1, connection{}, "auth")
	r.pass(30 * time.Second)
	r.wantState(1, "auth", "pending "+CodeNoAnswer)
	r.want("1 auth loops inline")
	r.ack(1)
	r.wantState(1, "auth", "live loops")
}
