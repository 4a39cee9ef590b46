package delivery

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// wantHistory checks `content standing seconds` of each revision, with `!` where an Envoy refused it.
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
	r.connect(1, connection{}, "auth") // which judges again
	r.wantHistory("auth", "two! rejected 1 !", "one active 0")
	r.pass(time.Second)
	r.edit("auth", "three", by("inline"))
	r.wantHistory("auth", "three candidate 2", "one active 0") // what cannot be served is forgotten
}

// A rollback is a wish for what was wanted before: it comes first again.
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

// The state of an older version says of no revision when it was wanted.
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
	f := r.m.filters["auth"]
	if n := len(r.m.History("auth")); n != historyLength+1 || len(f.wishes) > historyLength+2 {
		t.Errorf("%d revisions, %d wishes", n, len(f.wishes))
	}
	for _, s := range r.m.History("auth") {
		if s.Wish.At.IsZero() {
			t.Errorf("it is forgotten when %s was wanted", r.called(s.Revision.ID))
		}
	}
	if (&Machine{filters: map[string]*filter{"x": {wanted: &snapshot.Filter{}}}}).History("x") != nil {
		t.Error("a filter without a revision has a history")
	}
}
