package module

import (
	"context"
	"sync"
)

// keyedLock is a lock per key. The zero value is ready for use.
type keyedLock struct {
	mu      sync.Mutex
	holders map[string]chan struct{} // closed when the holder is done
}

// lock waits until the key is free and returns the function that frees the key. If ctx ends first,
// lock returns ctx's error.
func (l *keyedLock) lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		l.mu.Lock()
		held, busy := l.holders[key]
		if !busy {
			if l.holders == nil {
				l.holders = make(map[string]chan struct{})
			}
			done := make(chan struct{})
			l.holders[key] = done
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				defer l.mu.Unlock()
				delete(l.holders, key)
				close(done)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
