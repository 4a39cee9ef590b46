// Package restart keeps a source running: one that ends is started again.
package restart

import (
	"context"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// CodeFailed is the code of the error that a set carries while its source is down.
const CodeFailed = "source_failed"

// A source that ends is started again after a pause of firstPause. Each pause is half as long
// again as the one before, up to mostPause. A run of steadyRun or longer begins anew.
const (
	firstPause = time.Second
	mostPause  = time.Minute
	steadyRun  = 2 * time.Minute
)

// Source runs another source and starts it again when it ends. It implements [source.Source]
// and [source.Syncer].
type Source struct {
	root  string
	inner source.Source

	mu sync.Mutex
	// run ends with the source's current run, and its cause says why. Nil: none has begun.
	run context.Context
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Syncer = (*Source)(nil)
)

// New wraps a source. Root names it in errors: a directory, or a reference to a bundle. The
// source's Run is called again after it has returned, and never twice at a time.
func New(root string, inner source.Source) *Source { return &Source{root: root, inner: inner} }

// Run implements [source.Source]. It passes on the sets of the source. When the source ends, it
// emits a set that is unavailable for [CodeFailed], waits, and starts the source again. It
// returns when ctx ends, and then returns ctx's error.
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

// runOnce runs the source until it ends, and says why it has.
func (s *Source) runOnce(ctx context.Context, emit func(source.Set)) *spec.Error {
	run, end := context.WithCancelCause(ctx)
	s.mu.Lock()
	s.run = run
	s.mu.Unlock()
	failure := s.failed(s.inner.Run(run, emit))
	end(failure)
	return failure
}

// Sync implements [source.Syncer]. While the source is down, it returns the [spec.Error] that
// says why. A source that is no Syncer is left alone.
func (s *Source) Sync(ctx context.Context) error {
	syncer, ok := s.inner.(source.Syncer)
	if !ok {
		return nil
	}
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	if run == nil {
		return syncer.Sync(ctx) // which waits for the first run
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
