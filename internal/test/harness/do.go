package harness

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
)

// run is a [TB] outside of a test.
type run struct {
	ctx  context.Context // like a test's context
	name string
	out  io.Writer

	mu       sync.Mutex
	failed   bool
	cleanups []func()
}

// Do calls f with a [TB] for a program that is no test, and then calls all cleanups, last first.
// Logs of f go to out. The result is false if f failed or ctx ended.
func Do(ctx context.Context, name string, out io.Writer, f func(TB)) bool {
	r := &run{ctx: ctx, name: name, out: out}
	finished := make(chan struct{})
	go func() { // a separate goroutine, which Fatalf can end
		defer close(finished)
		f(r)
	}()
	<-finished
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			failed := r.failed
			r.mu.Unlock()
			return !failed && r.ctx.Err() == nil
		}
		last := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		last()
	}
}

func (r *run) Helper()                  {}
func (r *run) Name() string             { return r.name }
func (r *run) Context() context.Context { return r.ctx }

func (r *run) Logf(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

func (r *run) Errorf(format string, args ...any) {
	r.Logf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

// Fatalf ends the goroutine of Do's function.
func (r *run) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *run) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *run) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *run) TempDir() string {
	dir, err := os.MkdirTemp("", "wasm-xds-")
	if err != nil {
		r.Fatalf("%v", err)
	}
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
