package merge

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/restart"
)

// firstWait is how long the first set waits for sources without a set.
// See docs/RATIONALE.md#why-does-the-xds-port-open-although-no-spec-could-be-read.
const firstWait = 10 * time.Second

// Named is a source with the root of its files, as in [Part].
type Named struct {
	Root   string
	Source source.Source
}

// Source combines several sources. It implements [source.Source].
type Source struct {
	sources []Named              // wrapped sources that restart after an end
	flushes chan chan<- struct{} // requests of Sync: all earlier sets are emitted first
}

var (
	_ source.Source = (*Source)(nil)
	_ source.Syncer = (*Source)(nil)
)

// New combines several sources. It does nothing before [Source.Run].
func New(sources ...Named) *Source {
	s := &Source{sources: slices.Clone(sources), flushes: make(chan chan<- struct{})}
	for i, one := range sources {
		s.sources[i].Source = restart.New(one.Root, one.Source)
	}
	return s
}

type said struct {
	part int
	set  source.Set
}

// Run implements [source.Source]. It emits a first set when every source has emitted a set, or
// after ten seconds, and then another set for each set of a source. A source that ends is started
// again, see [restart.Source], without an effect on the others. Run returns when ctx has ended and
// all sources have returned.
func (s *Source) Run(ctx context.Context, emit func(source.Set)) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	sets := make(chan said)
	for i, one := range s.sources {
		running.Go(func() {
			// The source returns only when ctx ends.
			_ = one.Source.Run(ctx, func(set source.Set) {
				select {
				case sets <- said{i, set}:
				case <-ctx.Done():
				}
			})
		})
	}
	var last source.Set
	parts := make([]Part, len(s.sources))
	for i, one := range s.sources {
		parts[i].Root = one.Root
	}
	late := time.NewTimer(firstWait)
	defer late.Stop()
	for begun := false; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case one := <-sets:
			before := parts[one.part].Set
			parts[one.part].Set = &one.set
			begun = begun || !slices.ContainsFunc(parts, func(p Part) bool { return p.Set == nil })
			if begun {
				last = follow(last, parts, one.part, before)
				emit(last)
			}
		case done := <-s.flushes:
			close(done)
		case <-late.C:
			if !begun {
				begun = true
				last = Sets(parts)
				emit(last)
			}
		}
	}
}

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
