package control

import (
	"context"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// checkHold is how long what the sandbox says of one change is gathered, so that a
// change of a thousand specs is a few snapshots. Then what is known goes out, as often
// as it takes.
const checkHold = time.Second

// check is a filter on its way through the sandbox.
type check struct {
	key    string // of the verdict
	spec   *spec.Spec
	module snapshot.Module
	config *string
	// moduleKey is the job that brought the module.
	moduleKey string

	batch *batch // nil: it is not waited for any more
	state checkState
	// unwanted: no spec is of this content any more.
	unwanted bool
	cancel   context.CancelFunc // while it runs

	// late is what was found when the check took too long the last time; nil: it did not.
	late        *examine.Verdict
	tookTooLong int       // how often it did
	again       time.Time // while it waits to run alone: not before
	told        bool      // that it took too long is logged
}

type checkState int

const (
	checkWaits      checkState = iota // for its first run
	checkIsQuick                      // runs, as far as is known for a moment only
	checkEnds                         // runs still, and was told to end: there was no place for what takes long
	checkWaitsOn                      // for a run among those that take long
	checkIsLong                       // is such a run
	checkWaitsAlone                   // took too long: for a run while no other check wants to run
	checkIsAlone                      // is such a run
	checkIsDone
)

// batch is the checks that came of one change. They are published together.
type batch struct {
	waiting []*check
	left    int // that are neither done nor known to take long
	due     time.Time
	late    bool // due has passed once
}

// checkQueue decides which checks run when, and when their results are published. It is
// pure. A check that takes its time (a module may loop until it is stopped) soon leaves its
// place to others, and goes on or begins again in one of few places for such: what is healthy
// never waits for what is not. One that took too long is tried again by itself, first
// as soon as nothing else is there to be run and then after pauses that grow: the
// machine may have been busy.
type checkQueue struct {
	quickPlaces, longPlaces int

	checks  map[string]*check
	batches []*batch // with some left, the oldest first
	line    []*check // checkWaitsOn
	apart   []*check // checkWaitsAlone
	quick   int      // running, those that end among them
	long    int
	alone   int // 0 or 1
}

func newCheckQueue(cores int) *checkQueue {
	return &checkQueue{quickPlaces: cores, longPlaces: max(1, cores/2), checks: map[string]*check{}}
}

// add takes the checks that one change needs, none of which the queue has.
func (q *checkQueue) add(now time.Time, all []*check) {
	if len(all) == 0 {
		return
	}
	b := &batch{waiting: all, left: len(all), due: now.Add(checkHold)}
	for _, k := range all {
		k.batch = b
		q.checks[k.key] = k
	}
	q.batches = append(q.batches, b)
}

// next is a check to be started now; nil: none. The change with the fewest checks comes
// first: an edit does not wait for a checkout of thousands.
func (q *checkQueue) next(now time.Time) *check {
	if len(q.line) > 0 && q.long < q.longPlaces {
		k := q.line[0]
		q.line = q.line[1:]
		k.state = checkIsLong
		q.long++
		return k
	}
	if q.quick >= q.quickPlaces {
		return nil
	}
	var first *batch
	for _, b := range q.batches {
		if n := len(b.waiting); n > 0 && (first == nil || n < len(first.waiting)) {
			first = b
		}
	}
	if first == nil {
		return q.nextAlone(now)
	}
	k := first.waiting[0]
	first.waiting = first.waiting[1:]
	k.state = checkIsQuick
	q.quick++
	return k
}

// nextAlone is a check that took too long, once its pause is over and nothing runs. What
// comes while it runs does not wait for it.
func (q *checkQueue) nextAlone(now time.Time) *check {
	if len(q.apart) == 0 || q.quick+q.long+q.alone > 0 {
		return nil
	}
	k := slices.MinFunc(q.apart, func(a, b *check) int { return a.again.Compare(b.again) })
	if k.again.After(now) {
		return nil
	}
	q.apart = without(q.apart, k)
	k.state = checkIsAlone
	q.alone++
	return k
}

// slow is told of a check that has taken longer than a moment. It goes on in a place
// for such, or has to end and wait for one. publish: nothing that is known
// waits for the others of its change any more.
func (q *checkQueue) slow(k *check) (end, publish bool) {
	if k.state != checkIsQuick {
		return false, false
	}
	if q.long < q.longPlaces {
		k.state = checkIsLong
		q.quick--
		q.long++
	} else {
		k.state, end = checkEnds, true
	}
	return end, q.leaveBatch(k)
}

// ended is told of a run that has ended, with a result or because it had to.
func (q *checkQueue) ended(k *check, result bool) (publish bool) {
	was := k.state
	q.leavePlace(was)
	if was == checkEnds && !result && !k.unwanted {
		k.state = checkWaitsOn
		q.line = append(q.line, k)
		return false
	}
	k.state = checkIsDone
	if q.checks[k.key] == k {
		delete(q.checks, k.key)
	}
	return q.leaveBatch(k) || was != checkIsQuick
}

// tookTooLong is told of a run that has ended with what may be the machine's fault.
func (q *checkQueue) tookTooLong(now time.Time, k *check, v examine.Verdict) (publish bool) {
	if k.unwanted {
		return q.ended(k, true)
	}
	q.leavePlace(k.state)
	k.late, k.again, k.state = &v, now, checkWaitsAlone
	if k.tookTooLong > 0 { // the second run waits for an idle machine alone
		k.again = now.Add(retryPauses.After(k.tookTooLong))
	}
	k.tookTooLong++
	q.apart = append(q.apart, k)
	q.leaveBatch(k)
	return true
}

func (q *checkQueue) leavePlace(s checkState) {
	switch s {
	case checkIsLong:
		q.long--
	case checkIsAlone:
		q.alone--
	default:
		q.quick--
	}
}

// nextAgain is when a check that took too long may be run again; zero: there is none, or
// what runs has to end first.
func (q *checkQueue) nextAgain() time.Time {
	if q.quick+q.long+q.alone > 0 {
		return time.Time{}
	}
	var first time.Time
	for _, k := range q.apart {
		if first.IsZero() || k.again.Before(first) {
			first = k.again
		}
	}
	return first
}

// silent says whether there are checks that have said nothing yet.
func (q *checkQueue) silent() bool {
	for _, k := range q.checks {
		if k.late == nil {
			return true
		}
	}
	return false
}

// leaveBatch says whether the batch is complete now.
func (q *checkQueue) leaveBatch(k *check) bool {
	b := k.batch
	if b == nil {
		return false
	}
	k.batch = nil
	b.left--
	if b.left > 0 {
		return false
	}
	for i := range q.batches {
		if q.batches[i] == b {
			q.batches = append(q.batches[:i:i], q.batches[i+1:]...)
			break
		}
	}
	return true
}

// keep drops the checks that nothing wants any more, and returns those that run: they
// have to end.
func (q *checkQueue) keep(wanted func(key string) bool) (end []*check) {
	for key, k := range q.checks {
		if wanted(key) || k.unwanted {
			continue
		}
		k.unwanted = true
		switch k.state {
		case checkWaits:
			k.batch.waiting = without(k.batch.waiting, k)
			delete(q.checks, key)
			q.leaveBatch(k)
		case checkWaitsOn:
			q.line = without(q.line, k)
			delete(q.checks, key)
		case checkWaitsAlone:
			q.apart = without(q.apart, k)
			delete(q.checks, key)
		default:
			// A spec may become what it was before while the run ends.
			delete(q.checks, key)
			q.leaveBatch(k)
			end = append(end, k)
		}
	}
	return end
}

func without(all []*check, k *check) []*check {
	kept := make([]*check, 0, len(all))
	for _, one := range all {
		if one != k {
			kept = append(kept, one)
		}
	}
	return kept
}

// nextDue is when what is known has to be published; zero: nothing is gathered.
func (q *checkQueue) nextDue() time.Time {
	var first time.Time
	for _, b := range q.batches {
		if first.IsZero() || b.due.Before(first) {
			first = b.due
		}
	}
	return first
}

// due says whether that time has come, and sets the next.
func (q *checkQueue) due(now time.Time) bool {
	is := false
	for _, b := range q.batches {
		if !now.Before(b.due) {
			b.due, b.late, is = now.Add(checkHold), true, true
		}
	}
	return is
}

// fresh says whether the check has begun a moment ago.
func (k *check) fresh() bool { return k.batch != nil && !k.batch.late }
