package dir

import (
	"context"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// Sync implements [source.Syncer]. After a quiet time of [Config.Settle], the source looks at the
// directory and at every referenced file, even without events.
func (s *Source) Sync(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case s.syncs <- answer:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readFor schedules a look at everything, which answers a request of Sync.
func (l *loop) readFor(answer chan<- error, now time.Time) {
	l.waiting = append(l.waiting, answer)
	l.dirty.all = true
	l.settle.note(now, unfinished)
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
