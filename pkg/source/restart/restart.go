// Package restart restarts a source when the source ends.
package restart

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// CodeFailed is the code of the error in the set while the source is down.
const CodeFailed = "source_failed"

// The first restart follows after firstPause. Each further pause is 1.5 times as long as the
// previous pause, up to mostPause. After a run of at least steadyRun the pauses begin again at
// firstPause.
const (
	firstPause = time.Second
	mostPause  = time.Minute
	steadyRun  = 2 * time.Minute
)

// Source runs another source, and starts it again whenever it ends. Source implements
// [source.Source] and [source.Syncer].
type Source struct {
	root  string
	inner source.Source

	mu sync.Mutex
	// run is the context of the source's current run. Its cause says why the run has ended. nil
	// means no run has begun.
	run context.Context
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Syncer = (*Source)(nil)
)

// New wraps a source. root is the source's name in errors: a directory, or a reference to a bundle.
// The wrapper calls the source's Run again after its return, and never concurrently.
func New(root string, inner source.Source) *Source { return &Source{root: root, inner: inner} }

// Run implements [source.Source]. It passes on the sets of the source. When the source ends, Run
// emits an unavailable set with [CodeFailed], waits, and starts the source again. Run returns ctx's
// error when ctx ends.
func (s *Source) Run(ctx context.Context, emit func(source.Set)) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, mostPause
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		began := time.Now()
		failure := s.runOnce(ctx, emit)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(began) >= steadyRun {
			pauses.Reset()
		}
		emit(source.Set{Unavailable: failure})
		timer.Reset(pauses.NextBackOff())
	}
}

// runOnce runs the source until the source ends, and returns the reason.
func (s *Source) runOnce(ctx context.Context, emit func(source.Set)) *spec.Error {
	run, end := context.WithCancelCause(ctx)
	s.mu.Lock()
	s.run = run
	s.mu.Unlock()
	failure := s.failed(s.inner.Run(run, emit))
	end(failure)
	return failure
}

// Sync implements [source.Syncer]. While the source is down, Sync returns the [spec.Error] with the
// reason. For a source without Sync, the result is nil.
func (s *Source) Sync(ctx context.Context) error {
	syncer, ok := s.inner.(source.Syncer)
	if !ok {
		return nil
	}
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	if run == nil {
		return syncer.Sync(ctx) // waits for the first run
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(run, func() { cancel(context.Cause(run)) })()
	if run.Err() != nil {
		return context.Cause(run)
	}
	err := syncer.Sync(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *Source) failed(err error) *spec.Error {
	why := "without a reason"
	if err != nil {
		why = err.Error()
	}
	return &spec.Error{
		Code: CodeFailed, Message: "the source has ended: " + why,
		Hint: "the server starts it again by itself, at least once a minute", Pos: spec.Position{File: s.root},
	}
}
