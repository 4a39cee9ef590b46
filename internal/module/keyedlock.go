package module

import (
	"context"
	"sync"
)

// keyedLock lets one at a time work on what a key names. Its zero value is ready.
type keyedLock struct {
	mu      sync.Mutex
	holders map[string]chan struct{} // closed when the holder is done
}

// lock waits until the key is free, and returns the function that frees it, or
// ctx's error when that ends before.
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
