package delivery

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// wantHistory checks `content standing seconds` of each revision, with `!` if an Envoy refused it.
func (r *rig) wantHistory(name string, lines ...string) {
	r.t.Helper()
	var got []string
	for _, s := range r.m.History(name) {
		line := fmt.Sprintf("%s %s %d", r.called(s.Revision.ID), s.Standing, s.Wish.At.Unix()-1000)
		if s.Wish.At.IsZero() {
			line = fmt.Sprintf("%s %s -", r.called(s.Revision.ID), s.Standing)
		}
		if s.Problem != nil {
			line += " !"
		}
		got = append(got, line)
	}
	if strings.Join(got, "\n") != strings.Join(lines, "\n") {
		r.t.Fatalf("history:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(lines, "\n  "))
	}
}

func TestHistory(t *testing.T) {
	r := newRig(t)
	r.wantHistory("auth")
	r.live("auth", "one", 1, 2)
	r.wantHistory("auth", "one active 0")
	r.pass(time.Second)
	r.edit("auth", "two!", by("inline"))
	r.wantHistory("auth", "two! candidate 1", "one active 0")
	r.nack(1, unable)
	r.wantHistory("auth", "two! rejected 1 !", "one active 0")
	r.restart()
	r.connect(1, connection{}, "auth") // and judges again
	r.wantHistory("auth", "two! rejected 1 !", "one active 0")
	r.pass(time.Second)
	r.edit("auth", "three", by("inline"))
	r.wantHistory("auth", "three candidate 2", "two! rejected 1 !", "one active 0") // the refused revision is still there
}

// A rollback is a wish for an earlier revision, which comes first again.
func TestHistoryOfARollback(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.pass(time.Second)
	r.edit("auth", "two!", by("inline"))
	r.ack(1)
	r.wantHistory("auth", "two! active 1", "one earlier 0")
	r.pass(time.Second)
	r.edit("auth", "one", by("inline"))
	r.wantHistory("auth", "one active 2", "two! earlier 1")
	r.restart()
	r.wantHistory("auth", "one active 2", "two! earlier 1")
}

// The state of an older version does not say when a revision became wanted.
func TestHistoryWithoutTimes(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	r.edit("auth", "two!", by("inline"))
	r.ack(1)
	for i := range r.memory.Filters {
		r.memory.Filters[i].Wishes = nil
	}
	r.restart()
	r.wantHistory("auth", "two! active -", "one earlier -")
}

func TestHistoryIsBounded(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	for i := range 3 * historyLength {
		r.edit("auth", fmt.Sprintf("v%d", i), by("inline"))
		r.ack(1)
	}
	f := r.m.filters.get("auth")
	if n := len(r.m.History("auth")); n != historyLength+1 || len(f.wishes) > historyLength+2 {
		t.Errorf("%d revisions, %d wishes", n, len(f.wishes))
	}
	for _, s := range r.m.History("auth") {
		if s.Wish.At.IsZero() {
			t.Errorf("it is forgotten when %s was wanted", r.called(s.Revision.ID))
		}
	}
	m := New(Config{}, Memory{Filters: []FilterMemory{{Name: "x", Wanted: &snapshot.Filter{}}}}, r.now)
	if _, known := m.Status("x"); !known || m.History("x") != nil {
		t.Error("a filter without a revision has a history")
	}
}

// A revision that ran for weeks outlives any number of quick saves, and so do the newest revisions.
func TestHistoryKeepsWhatServedLongest(t *testing.T) {
	r := newRig(t)
	r.live("auth", "weeks", 1)
	r.pass(21 * 24 * time.Hour)
	for i := range 3 * historyLength {
		r.edit("auth", fmt.Sprintf("save %d", i), by("inline"))
		r.ack(1)
		r.pass(300 * time.Millisecond)
	}
	all := r.m.History("auth")
	oldest := all[len(all)-1]
	if got := r.called(oldest.Revision.ID); got != "weeks" || oldest.Served < 21*24*time.Hour || oldest.Changes != nil {
		t.Errorf("the oldest is %s, which served for %v: changes %v", got, oldest.Served, oldest.Changes)
	}
	for i := range newestKept {
		if got, want := r.called(all[i].Revision.ID), fmt.Sprintf("save %d", 3*historyLength-1-i); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	if len(all) != historyLength+1 {
		t.Errorf("%d revisions are kept", len(all))
	}
	if got := strings.Join(all[0].Changes, " "); got != "rootId" {
		t.Errorf("what changed last: %s", got)
	}
	r.restart()
	r.pass(time.Hour)
	if again := r.m.History("auth"); again[len(again)-1].Served != oldest.Served || again[0].Served < time.Hour {
		t.Errorf("after a restart: %v, %v", again[len(again)-1].Served, again[0].Served)
	}
}

// The history shows refused revisions after any number of later edits, and they are never served.
func TestHistoryKeepsWhatWasRefused(t *testing.T) {
	r := newRig(t)
	r.live("auth", "one", 1)
	for i := range 2 * refusedLength {
		r.pass(time.Second)
		r.edit("auth", fmt.Sprintf("bad %d", i), by("inline"))
		r.nack(1, unable)
		r.ack(1) // the revision that goes on serving
	}
	r.pass(time.Second)
	r.edit("auth", "good", by("inline"))
	r.ack(1)
	r.restart()
	refused := 0
	for _, s := range r.m.History("auth") {
		if s.Standing == Refused {
			refused++
			if s.Problem == nil || s.Served != 0 || s.Wish.At.IsZero() {
				t.Errorf("%s: %+v", r.called(s.Revision.ID), s)
			}
		}
	}
	if refused != refusedLength {
		t.Errorf("%d refused ones are remembered", refused)
	}
	for _, rev := range r.m.Revisions() {
		if strings.HasPrefix(r.called(rev.ID), "bad") {
			t.Errorf("the module of %s is kept, which nothing can serve", r.called(rev.ID))
		}
	}
	r.edit("auth", "bad 9", by("inline")) // wanted again, and so not among the refused ones
	if n := len(r.m.filters.get("auth").refused); n != refusedLength-1 {
		t.Errorf("%d refused ones beside it", n)
	}
}
