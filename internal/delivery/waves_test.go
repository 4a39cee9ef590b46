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

func waves(r spec.Rollout) option { return func(f *snapshot.Filter) { f.Rollout = r } }

func percents(all ...int) (steps []spec.Step) {
	for _, p := range all {
		steps = append(steps, spec.Step{Percent: p})
	}
	return steps
}

// fleet is a rig whose Envoys take each push at once.
type fleet struct {
	*rig
	ids map[StreamID]string // the version that each Envoy has accepted
}

// newFleet is a fleet of n Envoys that all run the content one.
func newFleet(t *testing.T, n int) *fleet {
	t.Helper()
	f := &fleet{rig: newRig(t), ids: map[StreamID]string{}}
	f.edit("auth", "one", by(spec.Inline))
	for id := range StreamID(n) {
		f.join(id + 1)
	}
	return f
}

// join connects an Envoy with an earlier state, and lets the Envoy take each push.
func (f *fleet) join(id StreamID) {
	f.t.Helper()
	accepted := map[string]string{}
	if v := f.ids[id]; v != "" {
		accepted["auth"] = v
	}
	f.connect(id, connection{accepted: accepted}, "auth")
	f.ids[id] = accepted["auth"]
	f.settle()
}

// settle lets all Envoys accept what they were sent, except the content bad, which is refused.
func (f *fleet) settle() {
	f.t.Helper()
	for busy := true; busy; {
		busy = false
		for _, id := range sortedKeys(f.ids) {
			for len(f.waiting[id]) > 0 {
				busy = true
				last := f.last[id]
				if f.called(last.Revision.ID) == "bad" {
					f.nack(id, unable)
					continue
				}
				f.ids[id] = last.Version.String()
				f.ack(id)
			}
		}
	}
}

// do plays an event, and lets the Envoys answer.
func (f *fleet) do(e Event) {
	f.t.Helper()
	f.step(e)
	f.settle()
}

// wait lets time pass, second by second.
func (f *fleet) wait(seconds int) {
	f.t.Helper()
	for range seconds {
		f.pass(time.Second)
		f.settle()
	}
}

// kill restarts the server from what the disk has, and brings the Envoys back in another order.
func (f *fleet) kill() {
	f.t.Helper()
	f.restart()
	f.waiting = map[StreamID][]string{}
	f.publish()
	ids := sortedKeys(f.ids)
	slices.Reverse(ids)
	for _, id := range ids {
		f.join(id)
	}
}

// with is the number of Envoys with a content.
func (f *fleet) with(content string) (n int) {
	for _, v := range f.ids {
		version, _ := ParseVersion(v)
		if f.called(version.Revision) == content {
			n++
		}
	}
	return n
}

// wants checks how many Envoys have a content, and the state of the waves.
func (f *fleet) wants(content string, n int, states string) {
	f.t.Helper()
	got, st := f.with(content), f.rolloutOf()
	text := ""
	if st != nil {
		var words []string
		for _, w := range st.Waves {
			words = append(words, w.Name+" "+string(w.State))
		}
		text = strings.Join(words, ", ")
	}
	if got != n || text != states {
		f.t.Fatalf("%d Envoys have %s, want %d; the waves are %q, want %q; waits %+v", got, content, n, text, states, st)
	}
}

func (f *fleet) rolloutOf() *Rollout {
	st, _ := f.m.Status("auth")
	return st.Rollout
}

func (f *fleet) revision() string { return f.filters["auth"].Revision.ID }

// A revision goes to the canaries, to each step after its soak, and then to all. The server may be
// killed at any time: it goes on where it was, and no other Envoy gets the revision.
func TestWaves(t *testing.T) {
	for _, killed := range []bool{false, true} {
		t.Run(fmt.Sprintf("killed %t", killed), func(t *testing.T) {
			f := newFleet(t, 20)
			kill := func() {
				if killed {
					f.kill()
				}
			}
			f.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Steps: percents(10, 50), Soak: 10 * time.Second}))
			f.settle()
			f.wants("two!", 1, "canary soaking, 10% waiting, 50% waiting, all waiting")
			f.wait(5)
			kill()
			f.wants("two!", 1, "canary soaking, 10% waiting, 50% waiting, all waiting")
			f.wait(4)
			f.wants("two!", 1, "canary soaking, 10% waiting, 50% waiting, all waiting")
			f.wait(2)
			f.wants("two!", 2, "canary passed, 10% soaking, 50% waiting, all waiting")
			f.join(21) // Envoys that come get the stable revision
			f.join(22)
			kill()
			f.wants("two!", 2, "canary passed, 10% soaking, 50% waiting, all waiting")
			f.wait(11)
			f.wants("two!", 11, "canary passed, 10% passed, 50% soaking, all waiting")
			kill()
			f.wait(6)
			f.wants("two!", 11, "canary passed, 10% passed, 50% soaking, all waiting")
			f.wait(5)
			f.wants("two!", 22, "")
			f.edit("auth", "one", by(spec.Inline), waves(spec.Rollout{Steps: percents(10, 50), Soak: time.Hour}))
			f.settle()
			f.wants("one", 22, "") // back at once
		})
	}
}

// An Envoy of the wave whose stream is cut keeps its place for thirty seconds. Then another Envoy
// takes it.
func TestAnAbsentEnvoyKeepsItsPlace(t *testing.T) {
	f := newFleet(t, 5)
	f.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Soak: time.Minute}))
	f.settle()
	f.wants("two!", 1, "canary soaking, all waiting")
	f.step(StreamClosed{Stream: 1})
	f.wait(20)
	f.wants("two!", 1, "canary progressing, all waiting")
	f.join(1)
	f.wants("two!", 1, "canary soaking, all waiting")
	f.step(StreamClosed{Stream: 1})
	gone := f.ids[1]
	delete(f.ids, 1)
	f.wait(29)
	f.wants("two!", 0, "canary progressing, all waiting")
	f.wait(2)
	f.wants("two!", 1, "canary soaking, all waiting")
	f.ids[1] = gone
	f.join(1) // it runs the revision, and keeps it
	f.wants("two!", 2, "canary soaking, all waiting")
}

// A clock that jumps during a restart neither ends a soak nor begins it anew.
func TestASoakDoesNotTrustTheClock(t *testing.T) {
	f := newFleet(t, 3)
	f.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Soak: time.Minute}))
	f.settle()
	f.wait(40)
	f.now = f.now.Add(24 * time.Hour)
	f.kill()
	f.wait(10)
	f.wants("two!", 1, "canary soaking, all waiting")
	f.now = f.now.Add(-48 * time.Hour)
	f.kill()
	f.wait(19)
	f.wants("two!", 3, "")
}

// A pause holds a rollout over restarts. A promotion ends it, and passes one wave.
func TestPauseAndPromote(t *testing.T) {
	f := newFleet(t, 10)
	f.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Steps: percents(50), Soak: 10 * time.Second}))
	f.settle()
	f.do(Paused{Name: "auth", Revision: f.revision(), By: "ann", Reason: "lunch"})
	f.wait(60)
	f.kill()
	f.wait(60)
	f.wants("two!", 1, "canary paused, 50% waiting, all waiting")
	if p := f.rolloutOf().Paused; p == nil || p.By != "ann" || p.Reason != "lunch" {
		t.Errorf("paused: %+v", p)
	}
	f.do(Resumed{Name: "auth", Revision: f.revision()})
	f.wants("two!", 5, "canary passed, 50% soaking, all waiting") // the soak had been over
	f.do(Promoted{Name: "auth", Revision: f.revision(), By: "ann"})
	f.wants("two!", 10, "")

	f.edit("auth", "three", by(spec.Inline), waves(spec.Rollout{Steps: percents(50), Pause: true}))
	f.settle()
	f.wait(3600)
	f.kill()
	f.wants("three", 1, "canary paused, 50% waiting, all waiting")
	if r := f.rolloutOf(); r.Overdue || !r.WaitsForUser {
		t.Errorf("a pause of the spec: %+v", r)
	}
	f.do(Promoted{Name: "auth", Revision: f.revision()})
	f.wants("three", 5, "canary passed, 50% paused, all waiting")
	f.do(Promoted{Name: "auth", Revision: f.revision()})
	f.wants("three", 10, "")
}

// An aborted revision goes back, and stays refused until it is retried.
func TestAbort(t *testing.T) {
	f := newFleet(t, 10)
	f.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Steps: percents(50), Soak: 10 * time.Second}))
	f.settle()
	f.wait(11)
	f.wants("two!", 5, "canary passed, 50% soaking, all waiting")
	f.do(Aborted{Name: "auth", Revision: f.revision(), By: "ann", Reason: "wrong key"})
	for range 2 {
		f.wants("two!", 0, "canary passed, 50% failed, all waiting")
		if p := f.problem("auth"); p != CodeAborted {
			t.Errorf("the problem is %q", p)
		}
		f.kill()
		f.wait(100)
	}
	bad := f.filters["auth"]
	f.edit("auth", "three", by(spec.Inline))
	f.settle()
	f.wants("three", 10, "")
	f.filters["auth"] = bad // an edit back to the same content
	f.publish()
	f.settle()
	f.wants("three", 10, "canary failed, 50% waiting, all waiting")
	f.do(Retried{Name: "auth", Revision: f.revision()})
	f.wants("two!", 1, "canary soaking, 50% waiting, all waiting")
}

// A freeze holds new revisions over restarts, and no way back.
func TestFreeze(t *testing.T) {
	f := newFleet(t, 10)
	f.do(Frozen{By: "ann", Reason: "sale"})
	f.edit("auth", "two!", by(spec.Inline))
	f.settle()
	f.kill()
	f.wait(3600)
	f.wants("two!", 0, "canary paused, all waiting")
	if r := f.rolloutOf(); r.Freeze == nil || r.Freeze.Reason != "sale" || r.Overdue {
		t.Errorf("frozen: %+v", r)
	}
	f.do(Thawed{})
	f.wants("two!", 10, "")
	f.do(Frozen{By: "ann", Reason: "sale"})
	f.edit("auth", "one", by(spec.Inline)) // all ran it before
	f.settle()
	f.wants("one", 10, "")
	f.edit("auth", "named", by(spec.Inline), func(f *snapshot.Filter) { f.RolledBack = true })
	f.settle()
	f.wants("named", 10, "")
	f.edit("auth", "one", by(spec.Inline), disabled)
	f.settle()
	f.wants("pass/http", 10, "")

	// A freeze in the middle of a wave.
	f.do(Thawed{})
	f.edit("auth", "four", by(spec.Inline), waves(spec.Rollout{Soak: time.Second, Steps: percents(50)}))
	f.settle()
	f.do(Frozen{Reason: "sale"})
	f.wait(60)
	f.wants("four", 1, "canary paused, 50% waiting, all waiting")
	f.do(Aborted{Name: "auth", Revision: f.revision()}) // going back is never held
	f.wants("four", 0, "canary failed, 50% waiting, all waiting")
}

// A deadline tells, and takes the revision back if the spec says so.
func TestDeadline(t *testing.T) {
	for _, on := range []spec.OnDeadline{"", spec.Back} {
		f := newFleet(t, 4)
		f.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{
			Soak: time.Second, Deadline: 30 * time.Second, OnDeadline: on, Health: &spec.Health{},
		}))
		f.settle()
		f.wait(20)
		f.kill()
		f.wait(9)
		f.wants("two!", 1, "canary soaking, all waiting")
		f.wait(4)
		if on == "" {
			if r := f.rolloutOf(); !r.Overdue {
				t.Errorf("not overdue: %+v", r)
			}
			f.wants("two!", 1, "canary soaking, all waiting")
			continue
		}
		f.wants("two!", 0, "canary failed, all waiting")
		if p := f.problem("auth"); p != CodeOverdue {
			t.Errorf("the problem is %q", p)
		}
	}
}

// Another deadline in the spec counts at once, also for a wave that is overdue already.
func TestDeadlineOfAnEdit(t *testing.T) {
	f := newFleet(t, 4)
	edit := func(deadline time.Duration, on spec.OnDeadline) {
		t.Helper()
		f.edit("auth", "two!", by(spec.Inline), waves(spec.Rollout{Soak: time.Second, Deadline: deadline, OnDeadline: on, Health: &spec.Health{}}))
	}
	edit(30*time.Second, "")
	f.settle()
	f.wait(40)
	if r := f.rolloutOf(); !r.Overdue {
		t.Fatalf("not overdue: %+v", r)
	}
	edit(time.Minute, "")
	f.wait(1)
	if r := f.rolloutOf(); r.Overdue || r.Deadline.IsZero() {
		t.Errorf("overdue, in spite of a later deadline: %+v", r)
	}
	f.wait(30)
	if r := f.rolloutOf(); !r.Overdue {
		t.Errorf("not overdue after the later deadline: %+v", r)
	}
	edit(time.Minute, spec.Back)
	f.wait(1)
	if p := f.problem("auth"); p != CodeOverdue {
		t.Errorf("the problem is %q, although the spec says back", p)
	}
}

// The first revision of a filter has no waves: nothing is served meanwhile.
func TestTheFirstRevisionHasNoWaves(t *testing.T) {
	f := &fleet{rig: newRig(t), ids: map[StreamID]string{}}
	f.edit("auth", "one", by(spec.Inline), waves(spec.Rollout{Soak: time.Hour, Steps: percents(50), Pause: true}))
	for id := range StreamID(4) {
		f.join(id + 1)
	}
	f.wants("one", 4, "")
}

// A refused revision stops in its wave.
func TestARefusalInAWave(t *testing.T) {
	f := newFleet(t, 4)
	f.edit("auth", "bad", by(spec.Inline), waves(spec.Rollout{Soak: time.Second}))
	f.settle()
	f.wait(60)
	f.wants("one", 4, "canary failed, all waiting")
	if p := f.problem("auth"); p != CodeRejected {
		t.Errorf("the problem is %q", p)
	}
}
