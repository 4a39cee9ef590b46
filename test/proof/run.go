package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/wasm-xds/wasm-xds/test/harness"
)

// proofRun is a harness.TB outside of a test: what it starts ends with do.
type proofRun struct {
	ctx  context.Context // as a test has one
	name string
	out  io.Writer

	mu       sync.Mutex
	failed   bool
	cleanups []func()
}

var _ harness.TB = (*proofRun)(nil)

func newRun(ctx context.Context, name string, out io.Writer) *proofRun {
	return &proofRun{ctx: ctx, name: name, out: out}
}

// do calls f and then every cleanup, last first; false means that it failed.
func (r *proofRun) do(f func()) bool {
	finished := make(chan struct{})
	go func() { // a goroutine of its own, which Fatalf can end
		defer close(finished)
		f()
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

func (r *proofRun) Helper()                  {}
func (r *proofRun) Name() string             { return r.name }
func (r *proofRun) Context() context.Context { return r.ctx }

func (r *proofRun) Logf(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

func (r *proofRun) Errorf(format string, args ...any) {
	r.Logf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

// Fatalf ends the goroutine of do's function.
func (r *proofRun) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *proofRun) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *proofRun) Cleanup(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, f)
}

func (r *proofRun) TempDir() string {
	dir, err := os.MkdirTemp("", "wasm-xds-proof-")
	if err != nil {
		r.Fatalf("%v", err)
	}
	r.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
