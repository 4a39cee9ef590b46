package persist

import "time"

// Barrier lets things pass once a file is written that names them: the sends of unproven revisions
// wait for the file of unsettled nodes. Otherwise a crash right after a push would forget which
// Envoy was the canary, and another Envoy would get the revision next. The zero value waits for
// nothing.
// See docs/RATIONALE.md#why-is-the-record-of-unproven-pushes-written-in-place.
type Barrier[T any] struct {
	running, again bool
	due            time.Time // of a write without waiters; zero: none
	writing        []T       // wait for the running write
	waiting        []T       // wait for the next write
}

// Pass takes things that the file must name first. pass is true if they need not wait: no write
// runs.
func (b *Barrier[T]) Pass(things ...T) (pass bool) {
	switch {
	case !b.running:
		return true
	case b.again:
		b.waiting = append(b.waiting, things...)
	default:
		b.writing = append(b.writing, things...)
	}
	return false
}

// Begin says whether a write begins now. The caller starts the writer then. During a write, Begin
// schedules the next.
func (b *Barrier[T]) Begin() bool {
	if b.running {
		b.again, b.due = true, time.Time{}
		return false
	}
	*b = Barrier[T]{running: true, writing: b.waiting}
	return true
}

// Soon schedules a write for a change that nothing waits for.
func (b *Barrier[T]) Soon(now time.Time) {
	if b.due.IsZero() {
		b.due = now.Add(saveEvery)
	}
}

// Due is the time of the next write without waiters; zero: there is none.
func (b *Barrier[T]) Due() time.Time { return b.due }

// Ended takes the end of a write, and returns the things that may pass now. again: the next
// write has to begin.
func (b *Barrier[T]) Ended() (ready []T, again bool) {
	ready = b.writing
	b.running, b.writing = false, nil
	return ready, b.again
}

// Blocks says whether anything waits for a write.
func (b *Barrier[T]) Blocks() bool { return len(b.writing)+len(b.waiting) > 0 }

// Running says whether a write runs.
func (b *Barrier[T]) Running() bool { return b.running }

// EndedLast takes the end of a write at the end of the process. A failed write has to be repeated.
func (b *Barrier[T]) EndedLast(failed bool) { b.running, b.again = false, b.again || failed }

// Unsaved says whether there is a change that no write has.
func (b *Barrier[T]) Unsaved() bool { return b.again || !b.due.IsZero() }
