// Package checkqueue decides when each check of a filter in the sandbox runs, and when the
// findings of a change are published. The package is pure: [Queue] starts nothing and reads no
// clock.
//
// A check goes through these stages:
//
//	waits -> quick -> done             most checks
//	         quick -> long -> done     a check that takes longer than Moment, and finds a place
//	         quick -> ends -> waitsOn -> long -> done
//	                                   all places for long checks were taken: it begins again
//	any run -> waitsAlone -> alone     the check was past the time limit: the machine may be busy
//
// The caller asks [Queue.Next] for checks to start after each change of the queue, tells the queue
// that a check has run for Moment ([Queue.Slow]) or has ended ([Queue.Ended],
// [Queue.TookTooLong]), and publishes whenever one of these says so, or [Queue.Due] does.
//
// A Queue belongs to one goroutine.
package checkqueue

import (
	"context"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	// PublishEvery is the time for which the queue gathers the findings of a change, so a
	// change of a thousand specs makes only a few snapshots. After PublishEvery, the known
	// findings are published, and again after each further PublishEvery.
	// See docs/RATIONALE.md#when-are-the-results-of-checks-published.
	PublishEvery = time.Second
	// Moment is the time after which a check gives way to other checks.
	// See docs/RATIONALE.md#why-does-a-check-give-way-after-half-a-second.
	Moment = 500 * time.Millisecond
)

// Check is a filter on its way through the sandbox. Only the queue changes the unexported fields.
type Check struct {
	// Key is the key of the findings: two checks with the same key find the same.
	Key string
	// Spec, Module and Config are the input of the sandbox. Config is nil without a configuration.
	Spec   *spec.Spec
	Module snapshot.Module
	Config *string
	// Read is the key of the read that brought the module.
	Read string
	// Cancel ends the run. The caller sets Cancel when it starts the check.
	Cancel context.CancelFunc
	// Told is a mark of the caller: the log has the findings of the last run past the time limit.
	Told bool

	batch *batch // nil: no publication waits for the check any more
	stage stage
	// unwanted: no spec has this content any more.
	unwanted bool

	soFar       *examine.Findings // the findings of the last run past the time limit; nil: none
	tookTooLong int               // the number of runs past the time limit
	again       time.Time         // the earliest start of the next run alone
}

type stage int

const (
	waits      stage = iota // for the first run
	quick                   // runs, and has not taken longer than Moment yet
	ends                    // runs, and must end: all places for long checks are taken
	waitsOn                 // for a run in a place for long checks
	long                    // runs in a place for long checks
	waitsAlone              // took too long: waits until no other check wants to run
	alone                   // runs alone
	done
)

// Fresh says whether the check's change arrived less than PublishEvery ago.
func (k *Check) Fresh() bool { return k.batch != nil && !k.batch.late }

// SoFar returns the findings of the last run past the time limit, with the time of the next run.
// ok is false if no run was past the limit.
func (k *Check) SoFar() (findings examine.Findings, ok bool) {
	switch {
	case k.soFar == nil:
		return examine.Findings{}, false
	case k.tookTooLong < 2:
		return k.soFar.TriedAgain("as soon as the sandbox has nothing else to do"), true
	default:
		return k.soFar.TriedAgain("at " + k.again.Format(time.TimeOnly)), true
	}
}

// batch has the checks of a change. Their findings are published together.
type batch struct {
	waiting []*Check
	left    int // checks that are neither done nor known to take long
	due     time.Time
	late    bool // Due has passed once
}

// Queue decides when each check runs, and when findings are published. The queue is pure.
//
// A module may loop until the sandbox stops the run. A check that takes longer than Moment
// therefore gives its place to other checks, and continues or starts again in one of a few
// places for long checks: healthy filters never wait for slow filters. A check that took too
// long is tried again alone, because the machine may have been busy: first as soon as no other
// check wants to run, then after growing pauses.
type Queue struct {
	quickPlaces, longPlaces int
	pauses                  pause.Policy

	checks  map[string]*Check
	batches []*batch // with checks left, the oldest first
	line    []*Check // waitsOn
	apart   []*Check // waitsAlone
	quick   int      // running, with the checks in ends
	long    int
	alone   int // 0 or 1
}

// New returns an empty queue with a place for quick checks on each core, and half as many
// places for long checks. pauses are the pauses before further runs of a check that took too
// long.
func New(cores int, pauses pause.Policy) *Queue {
	return &Queue{quickPlaces: cores, longPlaces: max(1, cores/2), pauses: pauses, checks: map[string]*Check{}}
}

// Add takes the checks of a change. The queue must not have any of them.
func (q *Queue) Add(now time.Time, all []*Check) {
	if len(all) == 0 {
		return
	}
	b := &batch{waiting: all, left: len(all), due: now.Add(PublishEvery)}
	for _, k := range all {
		k.batch = b
		q.checks[k.Key] = k
	}
	q.batches = append(q.batches, b)
}

// Get returns the check with a key; nil: the queue has none.
func (q *Queue) Get(key string) *Check { return q.checks[key] }

// Len is the number of checks that wait or run.
func (q *Queue) Len() int { return len(q.checks) }

// TryNow ends the pause of a check that took too long.
func (q *Queue) TryNow(now time.Time, key string) {
	if k := q.checks[key]; k != nil && k.stage == waitsAlone {
		k.again = now
	}
}

// Next returns a check to start now; nil: none. The change with the fewest checks comes first, so
// an edit does not wait for a checkout of thousands.
func (q *Queue) Next(now time.Time) *Check {
	if len(q.line) > 0 && q.long < q.longPlaces {
		k := q.line[0]
		q.line = q.line[1:]
		k.stage = long
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
	k.stage = quick
	q.quick++
	return k
}

// nextAlone returns a check that took too long, once its pause is over and nothing runs. Checks
// that arrive during the run do not wait.
func (q *Queue) nextAlone(now time.Time) *Check {
	if len(q.apart) == 0 || q.quick+q.long+q.alone > 0 {
		return nil
	}
	k := slices.MinFunc(q.apart, func(a, b *Check) int { return a.again.Compare(b.again) })
	if k.again.After(now) {
		return nil
	}
	q.apart = without(q.apart, k)
	k.stage = alone
	q.alone++
	return k
}

// Slow takes the news that a check has run for Moment. The check continues in a place for
// long checks, or has to end and wait for a place. publish: the batch of the check is complete.
func (q *Queue) Slow(k *Check) (end, publish bool) {
	if k.stage != quick {
		return false, false
	}
	if q.long < q.longPlaces {
		k.stage = long
		q.quick--
		q.long++
	} else {
		k.stage, end = ends, true
	}
	return end, q.leaveBatch(k)
}

// Ended takes the end of a run. result is false if the run was cancelled.
func (q *Queue) Ended(k *Check, result bool) (publish bool) {
	was := k.stage
	q.leavePlace(was)
	if was == ends && !result && !k.unwanted {
		k.stage = waitsOn
		q.line = append(q.line, k)
		return false
	}
	k.stage = done
	if q.checks[k.Key] == k {
		delete(q.checks, k.Key)
	}
	return q.leaveBatch(k) || was != quick
}

// TookTooLong takes the end of a run past the time limit. A busy machine may be the cause.
func (q *Queue) TookTooLong(now time.Time, k *Check, v examine.Findings) (publish bool) {
	if k.unwanted {
		return q.Ended(k, true)
	}
	q.leavePlace(k.stage)
	k.soFar, k.again, k.stage = &v, now, waitsAlone
	if k.tookTooLong > 0 { // the second run only waits until nothing else runs
		k.again = now.Add(q.pauses.After(k.tookTooLong))
	}
	k.tookTooLong++
	q.apart = append(q.apart, k)
	q.leaveBatch(k)
	return true
}

func (q *Queue) leavePlace(s stage) {
	switch s {
	case long:
		q.long--
	case alone:
		q.alone--
	default:
		q.quick--
	}
}

// Waits says whether any check has no findings yet.
func (q *Queue) Waits() bool {
	for _, k := range q.checks {
		if k.soFar == nil {
			return true
		}
	}
	return false
}

// leaveBatch takes a check out of its batch, and says whether the batch is complete now.
func (q *Queue) leaveBatch(k *Check) bool {
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

// Keep drops the unwanted checks, and returns the running checks among them: the caller has to
// cancel these.
func (q *Queue) Keep(wanted func(key string) bool) (end []*Check) {
	for key, k := range q.checks {
		if wanted(key) || k.unwanted {
			continue
		}
		k.unwanted = true
		switch k.stage {
		case waits:
			k.batch.waiting = without(k.batch.waiting, k)
			delete(q.checks, key)
			q.leaveBatch(k)
		case waitsOn:
			q.line = without(q.line, k)
			delete(q.checks, key)
		case waitsAlone:
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

func without(all []*Check, k *Check) []*Check {
	kept := make([]*Check, 0, len(all))
	for _, one := range all {
		if one != k {
			kept = append(kept, one)
		}
	}
	return kept
}

// Wake returns the time of the next publication, or of the next run of a check that took too long,
// whichever comes first. It is zero if the queue waits for no time.
func (q *Queue) Wake() time.Time {
	return pause.Earliest(q.nextDue(), q.nextAgain())
}

// nextDue returns the time of the next publication; zero: nothing is gathered.
func (q *Queue) nextDue() time.Time {
	var first time.Time
	for _, b := range q.batches {
		if first.IsZero() || b.due.Before(first) {
			first = b.due
		}
	}
	return first
}

// nextAgain returns the time at which a check that took too long may run again; zero: there is
// none, or a running check has to end first.
func (q *Queue) nextAgain() time.Time {
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

// Due says whether a publication is due, and schedules the next publication.
func (q *Queue) Due(now time.Time) bool {
	is := false
	for _, b := range q.batches {
		if !now.Before(b.due) {
			b.due, b.late, is = now.Add(PublishEvery), true, true
		}
	}
	return is
}
