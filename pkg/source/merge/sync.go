package merge

import (
	"context"
	"errors"
	"sync"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// Sync implements [source.Syncer]. It calls Sync of all sources concurrently, and joins the errors
// in the order of the sources.
func (s *Source) Sync(ctx context.Context) error {
	errs := make([]error, len(s.sources))
	var asked sync.WaitGroup
	for i, one := range s.sources {
		if syncer, ok := one.Source.(source.Syncer); ok {
			asked.Go(func() { errs[i] = syncer.Sync(ctx) })
		}
	}
	asked.Wait()
	// Each source has passed on its set. Run's goroutine emits these sets before it answers.
	done := make(chan struct{})
	select {
	case s.flushes <- done:
		<-done
	case <-ctx.Done():
		return errors.Join(errors.Join(errs...), ctx.Err())
	}
	return errors.Join(errs...)
}
