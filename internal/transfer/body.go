package transfer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// StallLimit is the longest time without any byte from the server. A server must send at least
// minRate bytes per second, measured over each rateWindow: 64 kbit/s, a slow modem. Time without a
// reader does not count.
const (
	StallLimit = 30 * time.Second
	rateWindow = 30 * time.Second
	minRate    = 8 << 10
)

// The errors of a server that is too slow.
var (
	ErrStalled = errors.New("the server stopped sending")
	ErrSlow    = errors.New("the server sends less than 8 KiB a second")
)

// body watches the speed of an answer's body.
type body struct {
	inner  io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  *time.Timer
	done   func() // gives up the place

	spent time.Duration // time in reads, in this window
	got   int64         // bytes in this window
}

func newBody(ctx context.Context, cancel context.CancelCauseFunc, inner io.ReadCloser, leave func()) *body {
	b := &body{inner: inner, ctx: ctx, cancel: cancel}
	b.stall = time.AfterFunc(StallLimit, func() { cancel(ErrStalled) })
	b.stall.Stop()
	b.done = sync.OnceFunc(func() {
		b.stall.Stop()
		leave()
		cancel(nil)
	})
	return b
}

// Read reads from the answer's body. It fails if the server is too slow, or with the cause if the
// request's context ends.
func (b *body) Read(p []byte) (int, error) {
	began := time.Now()
	b.stall.Reset(StallLimit)
	n, err := b.inner.Read(p)
	b.stall.Stop()
	switch {
	case errors.Is(err, io.EOF):
		b.done()
	case err != nil:
		if cause := context.Cause(b.ctx); cause != nil {
			err = cause
		}
		b.done()
	case b.tooSlow(n, time.Since(began)):
		b.cancel(ErrSlow)
		b.done()
		err = ErrSlow
	}
	return n, err
}

// tooSlow counts n bytes and the time of their read, and checks the rate at the end of each window.
func (b *body) tooSlow(n int, took time.Duration) bool {
	b.spent, b.got = b.spent+took, b.got+int64(n)
	if b.spent < rateWindow {
		return false
	}
	slow := float64(b.got) < minRate*b.spent.Seconds()
	b.spent, b.got = 0, 0
	return slow
}

// Close gives up the place.
func (b *body) Close() error {
	err := b.inner.Close()
	b.done()
	return err
}
