package transfer

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// StallLimit is how long a server may send nothing. A server must send minRate bytes a second,
// taken over each rateWindow: 64 kbit/s, a slow modem. The time in which nobody reads does not
// count.
const (
	StallLimit = 30 * time.Second
	rateWindow = 30 * time.Second
	minRate    = 8 << 10
)

// How a server fails that is too slow.
var (
	ErrStalled = errors.New("the server stopped sending")
	ErrSlow    = errors.New("the server sends less than 8 KiB a second")
)

// body is an answer's body, watched.
type body struct {
	inner  io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	stall  *time.Timer
	done   func() // it needs its place no more

	spent time.Duration // of the window, in reads
	got   int64         // in that time
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

// Read is the answer's. It fails when the server is too slow, or with the cause of the
// request's end.
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

// tooSlow counts what was read in a time, and judges each window when it is over.
func (b *body) tooSlow(n int, took time.Duration) bool {
	b.spent, b.got = b.spent+took, b.got+int64(n)
	if b.spent < rateWindow {
		return false
	}
	slow := float64(b.got) < minRate*b.spent.Seconds()
	b.spent, b.got = 0, 0
	return slow
}

// Close gives the place back.
func (b *body) Close() error {
	err := b.inner.Close()
	b.done()
	return err
}
