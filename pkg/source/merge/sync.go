package merge

import (
	"context"
	"errors"
	"sync"

	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// Sync implements [source.Syncer]. All sources that can be asked are asked at the same time,
// and the errors are joined in the order of the sources.
func (s *Source) Sync(ctx context.Context) error {
	errs := make([]error, len(s.sources))
	var asked sync.WaitGroup
	for i, one := range s.sources {
		if syncer, ok := one.Source.(source.Syncer); ok {
			asked.Go(func() { errs[i] = syncer.Sync(ctx) })
		}
	}
	asked.Wait()
	// Each source has passed on its set. The goroutine of Run emits those before it answers this.
	done := make(chan struct{})
	select {
	case s.flushes <- done:
		<-done
	case <-ctx.Done():
		return errors.Join(errors.Join(errs...), ctx.Err())
	}
	return errors.Join(errs...)
}
