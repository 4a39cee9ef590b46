// Package ending ends what runs in goroutines: nothing begins any more, what has begun is waited
// for, and no longer than a limit.
package ending

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Group is work that can be ended. The zero value is ready, and it is safe for concurrent use.
type Group struct {
	mu    sync.Mutex
	ended bool
	work  sync.WaitGroup
}

// Enter begins a piece of work, which calls leave when it is done. After [Group.End] it is
// false, and nothing may begin.
func (g *Group) Enter() (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return nil, false
	}
	g.work.Add(1)
	return g.work.Done, true
}

// Go runs f in a goroutine, unless the group has ended.
func (g *Group) Go(f func()) {
	if leave, ok := g.Enter(); ok {
		go func() {
			defer leave()
			f()
		}()
	}
}

// End lets nothing begin any more, and returns when all that has begun is done.
func (g *Group) End() {
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
	g.work.Wait()
}

// Handler is h, whose requests are the group's work. After [Group.End] they are refused.
func (g *Group) Handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leave, ok := g.Enter()
		if !ok {
			http.Error(w, "the server ends", http.StatusServiceUnavailable)
			return
		}
		defer leave()
		h.ServeHTTP(w, r)
	})
}

// Parts says which parts of a program have not ended. The zero value is ready, and it is safe
// for concurrent use.
type Parts struct {
	mu    sync.Mutex
	names []string
}

// Begin names a part that has begun, until end is called.
func (p *Parts) Begin(name string) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.names = append(p.names, name)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if at := slices.Index(p.names, name); at >= 0 {
			p.names = slices.Delete(p.names, at, at+1)
		}
	}
}

// Left are the parts that have not ended.
func (p *Parts) Left() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.names)
}

// ErrLate is what [Within] returns when the work did not end in time.
var ErrLate = errors.New("the end took too long")

// Within runs run, and returns what it returned. When run has not returned a limit after ctx's
// end, Within leaves it behind and returns [ErrLate] with what is left: the caller is expected to
// end the process.
func Within(ctx context.Context, limit time.Duration, parts *Parts, run func(context.Context) error) error {
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case err := <-ended:
		return err
	case <-late.C:
		return fmt.Errorf("%w: after %v it still waits for %s", ErrLate, limit, strings.Join(parts.Left(), ", "))
	}
}
