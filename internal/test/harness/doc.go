// Package harness runs the parts of end-to-end tests: real Envoys, the built control plane,
// upstreams, load, and slow or broken links between them. It uses the control plane as users do,
// through the command line and the API, and imports no internal package of the control plane.
//
// Everything ends with the test that started it. Ports are reserved across all test processes of
// the machine, so tests can run in parallel.
package harness

import (
	"context"
	"time"
)

// TB is the part of [testing.TB] that the harness needs. With an interface of its own, the harness
// also works in programs that are no tests.
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

// Deadline is how long the harness waits for anything before it gives up and shows its state. The
// deadline is generous, because a machine may be slow. A passing test never waits this long.
const Deadline = 60 * time.Second

// pollInterval is the pause between two looks at another process that sends no events.
const pollInterval = 5 * time.Millisecond

// Poll calls done every few milliseconds until done returns true. The result is false if that takes
// longer than [Deadline], or if the test's context ends.
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
