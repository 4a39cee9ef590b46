package control

import (
	"context"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// checkHold is the time for which the queue gathers the findings of a change, so that a change of a
// thousand specs makes only a few snapshots. After checkHold, the known findings are published,
// and again after each further checkHold.
// See docs/RATIONALE.md#when-are-the-results-of-checks-published.
const checkHold = time.Second

// check is a filter on its way through the sandbox.
type check struct {
	key    string // of the findings
	spec   *spec.Spec
	module snapshot.Module
	config *string
	// moduleKey is the job of the module.
	moduleKey string

	batch *batch // nil: no publication waits for the check any more
	state checkState
	// unwanted: no spec has this content any more.
	unwanted bool
	cancel   context.CancelFunc // while it runs

	// late has the findings of the last run past the time limit; nil: none.
	late        *examine.Verdict
	tookTooLong int       // the number of runs past the time limit
	again       time.Time // the earliest start of the next run alone
	told        bool      // the log has the warning
}

type checkState int

const (
	checkWaits      checkState = iota // for the first run
	checkIsQuick                      // runs, and has not taken longer than checkMoment yet
	checkEnds                         // runs, and must end: all places for long checks are taken
	checkWaitsOn                      // for a run in a place for long checks
	checkIsLong                       // runs in a place for long checks
	checkWaitsAlone                   // took too long: waits until no other check wants to run
	checkIsAlone                      // runs alone
	checkIsDone
)

// batch has the checks of a change. Their findings are published together.
type batch struct {
	waiting []*check
	left    int // checks that are neither done nor known to take long
	due     time.Time
	late    bool // due has passed once
}

// checkQueue decides when each check runs, and when findings are published. The queue is pure.
//
// A module may loop until the sandbox stops the run. A check that takes longer than checkMoment
// therefore gives its place to other checks, and continues or starts again in one of a few places
// for long checks: healthy filters never wait for slow filters. A check that took too long is tried
// again alone, because the machine may have been busy: first as soon as no other check wants to
// run, then after growing pauses.
type checkQueue struct {
	quickPlaces, longPlaces int

	checks  map[string]*check
	batches []*batch // with checks left, the oldest first
	line    []*check // checkWaitsOn
	apart   []*check // checkWaitsAlone
	quick   int      // running, with those in checkEnds
	long    int
	alone   int // 0 or 1
}

func newCheckQueue(cores int) *checkQueue {
	return &checkQueue{quickPlaces: cores, longPlaces: max(1, cores/2), checks: map[string]*check{}}
}

// add takes the checks of a change. The queue must not have any of them.
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

// next returns a check to start now; nil: none. The change with the fewest checks comes first, so
// an edit does not wait for a checkout of thousands.
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

// nextAlone returns a check that took too long, once its pause is over and nothing runs. Checks
// that arrive during the run do not wait.
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

// slow takes the news that a check has run for checkMoment. The check continues in a place for
// long checks, or has to end and wait for a place. publish: the batch of the check is complete.
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

// ended takes the end of a run. result is false if the run was cancelled.
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

// tookTooLong takes the end of a run past the time limit. A busy machine may be the cause.
func (q *checkQueue) tookTooLong(now time.Time, k *check, v examine.Verdict) (publish bool) {
	if k.unwanted {
		return q.ended(k, true)
	}
	q.leavePlace(k.state)
	k.late, k.again, k.state = &v, now, checkWaitsAlone
	if k.tookTooLong > 0 { // the second run only waits until nothing else runs
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

// nextAgain returns the time at which a check that took too long may run again; zero: there is
// none, or a running check has to end first.
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

// silent says whether any check has no findings yet.
func (q *checkQueue) silent() bool {
	for _, k := range q.checks {
		if k.late == nil {
			return true
		}
	}
	return false
}

// leaveBatch takes a check out of its batch, and says whether the batch is complete now.
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

// keep drops the unwanted checks, and returns the running ones among them: they have to end.
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
			// A spec may get this content again while the run ends.
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

// nextDue returns the time of the next publication; zero: nothing is gathered.
func (q *checkQueue) nextDue() time.Time {
	var first time.Time
	for _, b := range q.batches {
		if first.IsZero() || b.due.Before(first) {
			first = b.due
		}
	}
	return first
}

// due says whether a publication is due, and schedules the next publication.
func (q *checkQueue) due(now time.Time) bool {
	is := false
	for _, b := range q.batches {
		if !now.Before(b.due) {
			b.due, b.late, is = now.Add(checkHold), true, true
		}
	}
	return is
}

// fresh says whether the check's change arrived less than checkHold ago.
func (k *check) fresh() bool { return k.batch != nil && !k.batch.late }
