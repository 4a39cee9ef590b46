package delivery

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const older = "1.36.4" // an Envoy version beside the rig's own

// waits are the Envoys the rollout waits for, `<node> <envoy> <reason> <seconds left>`.
func (r *rig) waits(name string) []string {
	r.t.Helper()
	st, _ := r.m.Status(name)
	if st.Rollout == nil {
		return nil
	}
	var all []string
	for _, w := range st.Rollout.Waits {
		line := fmt.Sprintf("%s %s %s", w.Node, w.Envoy, w.Reason)
		if !w.Until.IsZero() {
			line += fmt.Sprintf(" %.0f", w.Until.Sub(r.now).Seconds())
		}
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

func (r *rig) wantWaits(name string, lines ...string) {
	r.t.Helper()
	if got := r.waits(name); !slices.Equal(got, lines) {
		r.t.Fatalf("%s waits for:\n  %s\nwant:\n  %s", name, strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
	}
}

func (r *rig) problem(name string) string {
	st, _ := r.m.Status(name)
	if st.Problem == nil {
		return ""
	}
	return st.Problem.Code
}

// twoVersions has `one` live on streams 1 and 3 of an Envoy version and on 2 and 4 of another.
func twoVersions(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.live("auth", "one", 1)
	for id, version := range []string{2: older, 3: "1.40.0", 4: older} {
		if version != "" {
			r.connect(StreamID(id), connection{version: version}, "auth")
			r.ack(StreamID(id))
		}
	}
	r.sent = nil
	return r
}

// The server is killed when a revision has just gone live everywhere, before the disk has the
// verdicts; meanwhile the spec is edited. Nobody is suspected of the new revision.
func TestKilledRightAfterLiveAndEdited(t *testing.T) {
	r := twoVersions(t)
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "2 auth two! inline")
	disk := r.memory
	r.ack(1)
	r.ack(2)
	r.ack(3)
	r.ack(4)
	accepted := map[string]string{"auth": r.last[1].Version.String()}
	r.memory, r.sent = disk, nil
	r.restart()
	r.edit("auth", "three", by(spec.Inline))
	r.connect(13, connection{node: "edge-3", accepted: accepted}, "auth")
	r.want("13 auth three inline")
	r.connect(12, connection{node: "edge-2", version: older, accepted: accepted}, "auth")
	r.want("12 auth three inline")
	r.ack(12)
	r.ack(13)
	r.connect(11, connection{node: "edge-1", accepted: accepted}, "auth")
	r.want("11 auth three inline")
}

// The same without an edit: as soon as the suspect names the revision, the rollout goes on.
func TestKilledRightAfterLive(t *testing.T) {
	r := twoVersions(t)
	r.edit("auth", "two!", by(spec.Inline))
	disk := r.memory
	r.ack(1)
	r.ack(2)
	one := r.filters["auth"]
	accepted := map[string]string{"auth": r.last[1].Version.String()}
	r.memory, r.sent = disk, nil
	r.restart()
	r.filters["auth"] = one
	r.publish()
	r.connect(13, connection{node: "edge-3"}, "auth")
	r.want("13 auth one inline")
	r.ack(13)
	r.want()
	r.wantWaits("auth", "edge-1 1.40.0 server_restarted 30")
	r.connect(14, connection{node: "edge-4", version: older}, "auth")
	r.ack(14)
	r.connect(12, connection{node: "edge-2", version: older, accepted: accepted}, "auth")
	r.want("14 auth one inline")
	r.connect(11, connection{node: "edge-1", accepted: accepted}, "auth")
	r.want("13 auth two! inline", "14 auth two! inline")
}

// A lost canary holds back only Envoys of the same version, and only until an answer.
func TestSuspectHoldsBackItsOwnVersion(t *testing.T) {
	for _, answer := range []string{"is back", "stays away", "is lost again"} {
		t.Run(answer, func(t *testing.T) {
			r := twoVersions(t)
			r.edit("auth", "two!", by(spec.Inline))
			r.want("1 auth two! inline", "2 auth two! inline")
			r.step(StreamClosed{Stream: 1})
			r.wantWaits("auth", "edge-2 1.36.4 canary_loads 30", "edge-1 1.40.0 canary_lost 30")
			r.step(StreamClosed{Stream: 2})
			r.pass(10 * time.Second)
			r.want()
			r.connect(22, connection{node: "edge-2", version: older}, "auth")
			r.want("22 auth one inline")
			r.ack(22)
			r.want("22 auth two! inline") // back, and asked again
			r.ack(22)
			r.want()
			r.wantWaits("auth", "edge-1 1.40.0 canary_lost 20")
			switch answer {
			case "stays away":
				r.pass(20 * time.Second)
				r.want("3 auth two! inline")
				r.wantWaits("auth", "edge-3 1.40.0 canary_loads 30")
				r.ack(3)
				r.want("4 auth two! inline")
			case "is back":
				r.connect(21, connection{node: "edge-1"}, "auth")
				r.ack(21)
				r.want("21 auth one inline", "21 auth two! inline")
				r.wantWaits("auth", "edge-1 1.40.0 canary_loads 30")
				r.ack(21)
				r.want("3 auth two! inline", "4 auth two! inline")
			case "is lost again":
				r.connect(21, connection{node: "edge-1"}, "auth")
				r.ack(21)
				r.step(StreamClosed{Stream: 21})
				r.connect(31, connection{node: "edge-1"}, "auth")
				r.ack(31)
				r.want("21 auth one inline", "21 auth two! inline", "31 auth one inline")
				r.pass(30 * time.Second)
				r.want("3 auth two! inline") // another Envoy, and not the same a third time
				r.ack(3)
				r.want("4 auth two! inline", "31 auth two! inline")
			}
			r.wantWaits("auth")
		})
	}
}

// A policy that names the suspect alone waits for nobody else.
func TestTheOnlyCanaryIsLost(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	r.edit("auth", "two!", by(spec.Inline), selected("edge-1"))
	r.step(StreamClosed{Stream: 1})
	r.wantWaits("auth", "edge-1 1.40.0 canary_lost 30", "no_canary_matches")
	r.pass(time.Hour)
	r.want("1 auth two! inline")
	r.wantWaits("auth", "no_canary_matches")
	r.connect(3, connection{node: "edge-1"}, "auth")
	r.ack(3)
	r.ack(3)
	r.want("3 auth one inline", "3 auth two! inline", "2 auth two! inline")
}

// A suspect from an older state file has no version. Until the suspect is back, all versions not
// known to load the revision wait.
func TestSuspectOfUnknownVersion(t *testing.T) {
	r := twoVersions(t)
	r.edit("auth", "two!", by(spec.Inline))
	two := r.filters["auth"]
	for name, u := range r.memory.Unsettled.Filters {
		u.Envoys, u.Nodes = nil, map[string]string{"edge-1": u.Nodes["edge-1"]}
		r.memory.Unsettled.Filters[name] = u
	}
	r.sent = nil
	r.restart()
	r.filters["auth"] = two
	r.publish()
	r.connect(13, connection{node: "edge-3"}, "auth")
	r.connect(14, connection{node: "edge-4", version: older}, "auth")
	r.ack(13)
	r.ack(14)
	r.want("13 auth one inline", "14 auth one inline")
	r.wantWaits("auth", "edge-1  server_restarted 30", "edge-1  server_restarted 30")
	r.connect(11, connection{node: "edge-1"}, "auth")
	r.want("11 auth one inline", "14 auth two! inline")
	r.ack(11)
	r.want("11 auth two! inline")
}

// An Envoy lost with the stable revision, too, says nothing about the candidate, and neither stops
// the rollout nor holds back another version.
func TestWhoLosesWhatAllRunStopsNobody(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	stranger := func(id StreamID) {
		r.connect(id, connection{node: "stranger", version: "9.9.9"}, "auth")
		r.step(StreamClosed{Stream: id})
	}
	for id := range StreamID(5) {
		stranger(100 + id)
		r.pass(time.Second)
	}
	r.sent = nil
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline")
	for id := range StreamID(5) {
		stranger(200 + id)
	}
	if p := r.problem("auth"); p != "" {
		t.Errorf("the rollout has stopped: %s", p)
	}
	r.sent = nil
	r.ack(1)
	r.want("2 auth two! inline")
}

// A single Envoy lost again and again concerns nobody else while there are more Envoys.
func TestOneLostNodeStopsNoOther(t *testing.T) {
	r := newRig(t)
	r.edit("auth", "one", by(spec.Inline))
	for id := range StreamID(4) {
		r.connect(10+id, connection{node: "edge-1"}, "auth")
		if id == 0 {
			r.connect(2, connection{}, "auth")
		}
		r.step(StreamClosed{Stream: 10 + id})
	}
	r.want("10 auth one inline", "11 auth one inline")
	r.connect(20, connection{node: "edge-1"}, "auth")
	r.pass(30 * time.Second)
	r.want("2 auth one inline", "20 auth deny/http inline")
	r.ack(2)
	r.ack(20)
	r.want("20 auth one inline")
}

// A silent canary is replaced, and the last Envoy of the version is not waited for.
func TestSilentCanary(t *testing.T) {
	r := twoVersions(t)
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "2 auth two! inline")
	r.ack(1)
	r.want()
	r.wantWaits("auth", "edge-2 1.36.4 canary_loads 30")
	r.pass(30 * time.Second)
	r.want("4 auth two! inline")
	r.wantWaits("auth", "edge-4 1.36.4 canary_loads 30")
	r.pass(30 * time.Second)
	r.want("3 auth two! inline")
	r.wantWaits("auth", "edge-2 1.36.4 no_answer", "edge-4 1.36.4 no_answer") // the stable revision is new to them
	r.wantState(2, "auth", "pending one "+CodeNoAnswer)
	r.ack(2)
	r.wantState(2, "auth", "live two!")
}

// A silent Envoy does not hold up a revision not even sent to it.
func TestSilentStreamIsNoCanaryOfOthers(t *testing.T) {
	r := newRig(t)
	r.edit("first", "f", by(spec.Inline))
	r.edit("second", "s", by(spec.Inline))
	r.connect(1, connection{ads: true, sotw: true}, "first", "second")
	r.connect(2, connection{ads: true}, "second")
	r.want("1 first f inline")
	r.pass(2 * time.Second)
	r.want("2 second deny/http inline")
	r.ack(2)
	r.want()
	r.wantWaits("second", "edge-1 1.40.0 canary_next 28")
	r.pass(28 * time.Second)
	r.want("2 second s inline")
}

// A single silent Envoy is no reason to give up a rollout, three are.
func TestSilentEnvoysStopTheRollout(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2, 3, 4)
	r.edit("auth", "loop", by(spec.Inline))
	r.pass(30 * time.Second)
	r.pass(30 * time.Second)
	r.pass(30 * time.Second)
	r.want("1 auth loop inline", "2 auth loop inline", "3 auth loop inline")
	if p := r.problem("auth"); p != CodeCanaryLost {
		t.Errorf("the problem is %q", p)
	}
}

// If a version does not even load the stable revision, a refusal stops nobody else.
func TestRefusalWhereNothingLoads(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1, 2)
	r.connect(3, connection{version: older}, "auth")
	r.want("3 auth one inline")
	r.nack(3, unable)
	r.want("3 auth deny/http inline")
	r.nack(3, unable)
	r.edit("auth", "two!", by(spec.Inline))
	r.want("1 auth two! inline", "3 auth two! inline")
	r.nack(3, unable)
	r.ack(1)
	r.sent = slices.DeleteFunc(r.sent, func(line string) bool { return strings.HasPrefix(line, "3 ") })
	r.want("2 auth two! inline")
	if st, _ := r.m.Status("auth"); r.called(st.Serving.ID) != "two!" {
		t.Errorf("serving %s", r.called(st.Serving.ID))
	}
}

// A single Envoy lost with a revision each time gets the former revision, once the revision is
// stable.
func TestLostWithWhatAllRun(t *testing.T) {
	r := twoVersions(t)
	r.step(StreamClosed{Stream: 4})
	r.edit("auth", "crash", by(spec.Inline))
	r.want("1 auth crash inline", "2 auth crash inline")
	r.step(StreamClosed{Stream: 2})
	r.ack(1)
	r.want("3 auth crash inline")
	r.ack(3)
	for id := range StreamID(2) {
		r.connect(20+id, connection{node: "edge-2", version: older}, "auth")
		r.step(StreamClosed{Stream: 20 + id})
	}
	r.want("20 auth crash inline", "21 auth crash inline")
	r.connect(30, connection{node: "edge-2", version: older}, "auth")
	r.want("30 auth one inline")
	r.ack(30)
	r.wantState(30, "auth", "rejected one "+CodeCanaryLost)
}

// A rollout that waits is reported once per change.
func TestWaitingRolloutIsReported(t *testing.T) {
	r := newRig(t)
	var told []string
	step := func(e Event) {
		t.Helper()
		for _, a := range r.m.Step(r.now, e) {
			if a, ok := a.(RolloutChanged); ok {
				line := fmt.Sprint(len(a.Rollout.Waits))
				for _, w := range a.Rollout.Waits {
					line += fmt.Sprintf(" %s %s", w.Node, w.Reason)
				}
				told = append(told, line)
			}
		}
	}
	want := func(lines ...string) {
		t.Helper()
		if !slices.Equal(told, lines) {
			t.Errorf("told %q, want %q", told, lines)
		}
		told = nil
	}
	r.live("auth", "one", 1, 2)
	r.edit("auth", "two!", by(spec.Inline))
	for range 5 {
		r.now = r.now.Add(time.Second)
		step(Woken{})
	}
	want("1 edge-1 canary_loads")
	step(StreamClosed{Stream: 1})
	want("1 edge-1 canary_lost")
	step(StreamOpened{Stream: 5, Node: Node{ID: "edge-5", Version: "1.40.0"}, Delta: true})
	step(Requested{Stream: 5, Subscribe: []Subscription{{Name: "auth"}}})
	want()
	r.now = r.now.Add(30 * time.Second)
	step(Woken{})
	want("0")
	step(Requested{Stream: 2, Answer: &Answer{Name: "auth"}})
	want()
}

// The memory of an older process has no versions, and the memory of this process has a version.
func TestUnsettledRemembersTheVersion(t *testing.T) {
	m := New(Config{Epoch: 1, Substitutes: realStandIns{}}, Memory{}, time.Unix(1000, 0))
	rev := (&snapshot.Revision{Filter: "auth", Type: spec.HTTP, VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"}}).Seal()
	m.Step(m.step.now, SnapshotChanged{snapshot.New([]*snapshot.Filter{{Name: "auth", Type: spec.HTTP, Revision: rev, Delivery: spec.Inline}})})
	m.Step(m.step.now, StreamOpened{Stream: 1, Node: Node{ID: "edge", Version: "1.40.0"}, Delta: true})
	m.Step(m.step.now, Requested{Stream: 1, Subscribe: []Subscription{{Name: "auth"}}})
	u := m.Unsettled().Filters["auth"]
	if u.Nodes["edge"] != rev.ID || u.Envoys["edge"] != "1.40.0" {
		t.Errorf("nodes %v, envoys %v", u.Nodes, u.Envoys)
	}
}
