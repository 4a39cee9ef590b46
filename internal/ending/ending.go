// Package ending stops goroutines: no new work begins, and the end waits for running work up to a
// limit.
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

// Group is work with a common end. The zero value is ready for use. A Group is safe for
// concurrent use.
type Group struct {
	mu    sync.Mutex
	ended bool
	work  sync.WaitGroup
}

// Enter begins a piece of work. Call leave when the work is done. After [Group.End], ok is false
// and the work must not begin.
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

// End refuses new work and waits for all running work.
func (g *Group) End() {
	g.mu.Lock()
	g.ended = true
	g.mu.Unlock()
	g.work.Wait()
}

// Handler wraps h so its requests count as work of the group. After [Group.End] the handler
// refuses requests with 503.
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

// Parts tracks which parts of a program have not ended yet. The zero value is ready for use. Parts
// is safe for concurrent use.
type Parts struct {
	mu    sync.Mutex
	names []string
}

// Begin adds a part with this name. Call end when the part has ended.
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

// Left returns the names of the parts that have not ended.
func (p *Parts) Left() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.names)
}

// ErrLate marks the error of [Within] for work that did not end in time.
var ErrLate = errors.New("the end took too long")

// Within calls run and returns its error. If run does not return within limit after the end of ctx,
// Within returns [ErrLate] with the parts that are left, and run continues in its goroutine. The
// caller should then end the process.
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
