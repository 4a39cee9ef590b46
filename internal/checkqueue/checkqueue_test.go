package checkqueue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

var testPauses = pause.Policy{First: 15 * time.Second, Most: 5 * time.Minute}

// queueRig drives a queue: checks are letters, and each change is a word.
type queueRig struct {
	t   *testing.T
	q   *Queue
	now time.Time
	all map[string]*Check
}

func newQueueRig(t *testing.T, cores int) *queueRig {
	return &queueRig{t: t, q: New(cores, testPauses), now: time.Unix(1, 0), all: map[string]*Check{}}
}

func (r *queueRig) add(word string) {
	var batch []*Check
	for _, letter := range word {
		k := &Check{Key: string(letter)}
		r.all[k.Key] = k
		batch = append(batch, k)
	}
	r.q.Add(r.now, batch)
}

// starts lists the checks that start now, with `!` in a place for long checks, and `?` alone.
func (r *queueRig) starts() string {
	var all []string
	for k := r.q.Next(r.now); k != nil; k = r.q.Next(r.now) {
		name := k.Key
		switch k.stage {
		case long:
			name += "!"
		case alone:
			name += "?"
		}
		all = append(all, name)
	}
	return strings.Join(all, "")
}

func (r *queueRig) want(what, got, want string) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func (r *queueRig) ended(key string, result bool) string {
	return fmt.Sprint(r.q.Ended(r.all[key], result))
}

func (r *queueRig) late(key string) string {
	return fmt.Sprint(r.q.TookTooLong(r.now, r.all[key], examine.Findings{}))
}

// again is the time until a check that took too long may run again.
func (r *queueRig) again() string {
	at := r.q.nextAgain()
	if at.IsZero() {
		return "never"
	}
	return at.Sub(r.now).String()
}

func (r *queueRig) slow(key string) string {
	end, publish := r.q.Slow(r.all[key])
	return fmt.Sprint(end, publish)
}

func TestAnEditDoesNotWaitForACheckout(t *testing.T) {
	r := newQueueRig(t, 2)
	r.add("abcdef")
	r.want("the first two", r.starts(), "ab")
	r.add("x")
	r.want("all places are taken", r.starts(), "")
	r.want("one of many is gathered", r.ended("a", true), "false")
	r.want("the edit is next", r.starts(), "x")
	r.want("the edit is published", r.ended("x", true), "true")
	r.want("then the rest", r.starts(), "c")
}

func TestOneChangeIsPublishedAtOnce(t *testing.T) {
	r := newQueueRig(t, 2)
	r.add("abc")
	r.starts()
	if !r.all["a"].Fresh() || r.q.Due(r.now) {
		t.Error("a change is late when it comes")
	}
	r.ended("a", true)
	r.now = r.now.Add(PublishEvery)
	if !r.q.Due(r.now) || r.q.Due(r.now) || r.all["c"].Fresh() {
		t.Error("what is known is not published once after a while")
	}
	if due := r.q.nextDue(); due != r.now.Add(PublishEvery) {
		t.Errorf("the next time is %v", due)
	}
	r.starts()
	r.want("not all", r.ended("b", true), "false")
	r.want("all", r.ended("c", true), "true")
	if !r.q.nextDue().IsZero() || len(r.q.checks) != 0 {
		t.Error("something is left")
	}
}

func TestWhatTakesLongGivesWay(t *testing.T) {
	r := newQueueRig(t, 2)
	r.add("abcx") // x is healthy
	r.want("the first two", r.starts(), "ab")
	r.want("one may go on", r.slow("a"), "false false")
	r.want("its place is free", r.starts(), "c")
	r.want("another has to end", r.slow("b"), "true false")
	r.want("it keeps its place until it has", r.starts(), "")
	r.want("it ends without a result", r.ended("b", false), "false")
	r.want("the healthy one", r.starts(), "x")
	r.want("the last one that takes long", r.slow("c"), "true false")
	r.want("the healthy one waits for nobody", r.ended("x", true), "true")
	r.want("c ends", r.ended("c", false), "false")
	r.want("no place for those that take long", r.starts(), "")
	r.want("a is through, late", r.ended("a", true), "true")
	r.want("b begins again", r.starts(), "b!")
	r.want("b is through", r.ended("b", true), "true")
	r.want("c begins again", r.starts(), "c!")
	r.want("c is through", r.ended("c", true), "true")
	if len(r.q.checks)+len(r.q.batches)+r.q.quick+r.q.long != 0 {
		t.Errorf("something is left: %+v", r.q)
	}
}

func TestAResultCountsThoughItCameLate(t *testing.T) {
	r := newQueueRig(t, 1)
	r.add("ab")
	r.starts()
	r.slow("a")
	r.starts()
	r.want("told to end", r.slow("b"), "true true")
	r.want("but it had a result", r.ended("b", true), "true")
	r.ended("a", true)
	if len(r.q.checks)+len(r.q.line)+r.q.quick+r.q.long != 0 {
		t.Errorf("something is left: %+v", r.q)
	}
}

func TestWhatNothingWantsIsDropped(t *testing.T) {
	r := newQueueRig(t, 2)
	r.add("abcde")
	r.starts()          // a, b
	r.slow("a")         // continues
	r.starts()          // c
	r.slow("b")         // has to end
	r.ended("b", false) // waits
	wanted := "e"
	end := r.q.Keep(func(key string) bool { return strings.Contains(wanted, key) })
	var names []string
	for _, k := range end {
		names = append(names, k.Key)
	}
	slices.Sort(names)
	r.want("those that run have to end", strings.Join(names, ""), "ac")
	r.add("a") // wanted again, before the old run has ended
	again := r.all["a"]
	r.want("what is left", r.starts(), "e")
	r.all["a"] = end[slices.IndexFunc(end, func(k *Check) bool { return k.Key == "a" })]
	r.ended("a", false)
	if r.q.checks["a"] != again {
		t.Error("the end of the old run took the new one away")
	}
	r.ended("c", false)
	r.want("the other one", r.starts(), "a")
	r.all["a"] = again
	r.want("what is left of its change", r.ended("e", true), "true")
	r.want("the new one", r.ended("a", true), "true")
	if len(r.q.checks)+len(r.q.batches)+len(r.q.line)+r.q.quick+r.q.long != 0 {
		t.Errorf("something is left: %+v", r.q)
	}
}

func TestWhatTookTooLongIsTriedAgainAlone(t *testing.T) {
	r := newQueueRig(t, 2)
	r.add("abc")
	r.want("the first two", r.starts(), "ab")
	r.slow("a")
	r.want("a's place is free", r.starts(), "c")
	r.want("a is published", r.late("a"), "true")
	r.want("while others run", r.starts()+r.again(), "never")
	r.ended("b", true)
	r.want("one still runs", r.starts()+r.again(), "never")
	r.ended("c", true)
	r.want("nothing runs", r.again(), "0s")
	r.want("a runs alone", r.starts(), "a?")
	if r.q.Waits() {
		t.Error("what has said something is waited for")
	}
	r.add("x")
	r.want("what comes meanwhile does not wait", r.starts(), "x")
	r.want("it is slow to nobody", r.slow("a"), "false false")
	r.want("x is published", r.ended("x", true), "true")
	for _, pause := range []string{"15s", "30s", "1m0s", "2m0s", "4m0s", "5m0s", "5m0s"} {
		r.want("too long again", r.late("a"), "true")
		r.want("the pause", r.again(), pause)
		r.want("not before", r.starts(), "")
		r.now = r.q.nextAgain()
		r.want("then", r.starts(), "a?")
		r.want("it runs", r.again(), "never")
	}
	r.want("it was the machine", r.ended("a", true), "true")
	if len(r.q.checks)+len(r.q.batches)+len(r.q.apart)+r.q.quick+r.q.long+r.q.alone != 0 {
		t.Errorf("something is left: %+v", r.q)
	}
}

func TestWhoHasWaitedLongestIsNext(t *testing.T) {
	r := newQueueRig(t, 4)
	r.add("abc")
	r.starts()
	for _, key := range []string{"b", "c", "a"} {
		r.late(key)
		r.now = r.now.Add(time.Millisecond)
	}
	for _, want := range []string{"b?", "c?", "a?"} {
		r.want("one at a time", r.starts(), want)
		r.late(want[:1])
	}
}

func TestWhatTookTooLongIsDroppedWithItsSpec(t *testing.T) {
	for _, runs := range []bool{false, true} {
		r := newQueueRig(t, 1)
		r.add("a")
		r.starts()
		r.late("a")
		if runs {
			r.starts()
		}
		end := r.q.Keep(func(string) bool { return false })
		if (len(end) == 1) != runs {
			t.Errorf("runs %v: %d have to end", runs, len(end))
		}
		if runs {
			r.want("the end of what nothing wants", r.late("a"), "true")
		}
		if len(r.q.checks)+len(r.q.apart)+r.q.quick+r.q.alone != 0 {
			t.Errorf("runs %v: something is left: %+v", runs, r.q)
		}
	}
}
