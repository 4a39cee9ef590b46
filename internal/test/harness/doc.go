// Package harness runs what the end-to-end tests are made of: real Envoys, the
// built control plane, upstreams, load, and slow or broken links between them.
// It speaks to the control plane as users do, by its command line and its API,
// and imports nothing internal.
//
// Everything that is started ends with the test that started it. Ports are
// reserved over all test processes of the machine, so that tests run side by side.
package harness

import (
	"context"
	"time"
)

// TB is what the harness needs of a [testing.TB]. It is an interface of its own,
// so that programs that are no tests can use the harness too.
type TB interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(func())
	TempDir() string
	Context() context.Context
}

// Deadline is how long the harness waits for anything before it gives up and
// shows what it knows. It is generous: a machine may be slow, and a test that
// waits this long has failed anyway.
const Deadline = 60 * time.Second

// pollInterval is the pause between two looks at a foreign process, which has no
// other way to tell.
const pollInterval = 5 * time.Millisecond

// Poll calls done every few milliseconds until it returns true; false means that
// it has not within [Deadline], or that the test's context ended.
func Poll(ctx context.Context, done func() bool) bool {
	deadline := time.NewTimer(Deadline)
	defer deadline.Stop()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		if done() {
			return true
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			return done()
		case <-ctx.Done():
			return false
		}
	}
}
