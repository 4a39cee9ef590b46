package source

import "context"

// Requests passes the requests of a [Syncer] to the goroutine of its Run. The goroutine receives
// the channel for the answer, which has room, and sends the result. Make it with [NewRequests].
// Safe for concurrent use.
type Requests chan chan<- error

// NewRequests has no request.
func NewRequests() Requests { return make(Requests) }

// Ask waits until Run's goroutine takes the request, and returns its answer, or ctx's error when
// ctx ends before.
func (r Requests) Ask(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case r <- answer:
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
