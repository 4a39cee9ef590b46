package dir

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// loop runs in the only goroutine that uses the view.
type loop struct {
	log   *zap.Logger
	view  *view
	quiet quietTime
	dirty dirty
	emit  func(source.Set)
	last  *source.Set

	syncs   <-chan chan<- error
	waiting []chan<- error // the requests of Sync that the next read answers

	rescans    chan *findings // results of rescans
	rescanning bool           // a rescan is running
}

func (l *loop) run(ctx context.Context, rescan time.Duration) error {
	var ticks <-chan time.Time
	if rescan > 0 {
		t := time.NewTicker(rescan)
		defer t.Stop()
		ticks = t.C
	}
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	defer l.endRescan() // ctx has ended then, which stops the rescan
	defer func() { l.answerSyncs(ctx.Err()) }()

	l.dirty.all = true
	l.read(ctx)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.view.watches.inbox.wake:
			if !l.hear(time.Now()) {
				continue
			}
			if wait := time.Until(l.quiet.due()); wait > 0 {
				timer.Reset(wait)
				continue
			}
			timer.Stop()
			l.read(ctx)
		case <-timer.C:
			l.read(ctx)
		case answer := <-l.syncs:
			l.readFor(answer, time.Now())
			timer.Reset(time.Until(l.quiet.due()))
		case <-ticks:
			if l.tick(ctx, time.Now()) {
				timer.Reset(time.Until(l.quiet.due()))
			}
		case r := <-l.rescans:
			l.rescanning = false
			if l.view.rescanned(r, &l.dirty) {
				l.quiet.note(time.Now(), unfinished)
				timer.Reset(time.Until(l.quiet.due()))
			}
		}
	}
}

// hear marks the paths of the new events as dirty, and reports whether any event matters.
func (l *loop) hear(now time.Time) bool {
	batch := l.view.watches.inbox.take()
	if batch.overflow {
		l.log.Warn("events of the file system were lost; looking at everything")
	}
	some, c := l.view.hear(batch, &l.dirty)
	if !some {
		return false
	}
	l.quiet.note(now, c)
	return true
}

// tick looks at everything and reports whether a read is due after the quiet time. A change without
// an event may be unfinished, so tick passes the change on only after a second look.
func (l *loop) tick(ctx context.Context, now time.Time) bool {
	if l.view.calm() {
		if !l.rescanning {
			l.rescanning = true
			run := l.view.rescan(ctx.Done())
			go func() { l.rescans <- run() }()
		}
		return false
	}
	l.dirty.all = true
	if l.quiet.pending() {
		return false // the pending read covers this look
	}
	if set := l.look(); l.last != nil && equal(*l.last, set) {
		return false
	}
	l.dirty.all = true
	l.quiet.note(now, unfinished)
	return true
}

// endRescan waits for the running rescan, if there is one.
func (l *loop) endRescan() {
	if l.rescanning {
		<-l.rescans
	}
}

// read looks at the dirty paths and emits the set if the set has changed.
func (l *loop) read(ctx context.Context) {
	l.quiet.reset(time.Now())
	set := l.look()
	if ctx.Err() != nil {
		return
	}
	defer l.answerSyncs(readError(set))
	if l.last != nil && equal(*l.last, set) {
		return
	}
	l.report(set)
	l.last = &set
	l.emit(set)
}

func (l *loop) look() source.Set {
	d := l.dirty
	l.dirty = dirty{}
	return l.view.look(d)
}

// report logs changes in the source's ability to watch the directory.
func (l *loop) report(set source.Set) {
	var before source.Set
	if l.last != nil {
		before = *l.last
	}
	// The set itself contains the reason of its unavailability, and the set's receiver logs the
	// reason.
	if before.Unavailable != nil && set.Unavailable == nil {
		l.log.Info("the directory of specs is back")
	}
	switch {
	case set.Degraded != nil && !equalError(before.Degraded, set.Degraded):
		l.log.Warn("the directory of specs is watched by rescan only", zap.String("code", set.Degraded.Code), zap.Error(set.Degraded))
	case set.Degraded == nil && before.Degraded != nil && set.Unavailable == nil:
		l.log.Info("the directory of specs is watched by events again")
	}
	l.log.Debug("read the directory of specs", zap.Int("specs", len(set.Specs)), zap.Int("errors", len(set.Errors)))
}

// readFor schedules a look at everything, which answers a request of Sync.
func (l *loop) readFor(answer chan<- error, now time.Time) {
	l.waiting = append(l.waiting, answer)
	l.dirty.all = true
	l.quiet.note(now, unfinished)
}

// answerSyncs answers the requests that came before the read.
func (l *loop) answerSyncs(err error) {
	for _, answer := range l.waiting {
		answer <- err
	}
	l.waiting = nil
}

// readError returns the error of a failed read, or nil.
func readError(set source.Set) error {
	if set.Unavailable == nil {
		return nil
	}
	return set.Unavailable
}
