package runner

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/preflight/traffic"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Run runs each test on a VM of its own. The module must have passed the check. If it does not
// load, each test fails with the reason.
func Run(ctx context.Context, r sandbox.Request, tests []spec.Test) []Result {
	results := make([]Result, 0, len(tests))
	for _, t := range tests {
		begun := time.Now()
		result := runTest(ctx, r, t)
		result.OK = len(result.Failures) == 0
		result.Duration = time.Since(begun)
		results = append(results, result)
	}
	return results
}

// runTest runs a test again, on the compiler, if the interpreter was too slow or needed too much
// stack: see [sandbox.Candidate.Run].
func runTest(ctx context.Context, r sandbox.Request, t spec.Test) Result {
	first := newTestRun(t)
	again, ok := sandbox.Again(ctx, first.run(ctx, r))
	if !ok {
		return first.finished()
	}
	second := newTestRun(t)
	r.Engine = engine.Compiler
	_ = second.run(again, r) // the result has the error too
	return second.finished()
}

// testRun is a running test.
type testRun struct {
	test       spec.Test
	vm         *sandbox.VM
	result     Result
	comparison comparison
}

func newTestRun(t spec.Test) *testRun {
	return &testRun{
		test: t, result: Result{Name: t.Name, Logs: []string{}, File: t.Pos.File, Line: t.Pos.Line},
		comparison: comparison{steps: len(t.Steps), failures: []Failure{}},
	}
}

func (t *testRun) finished() Result {
	t.result.Failures = t.comparison.failures
	return t.result
}

// run returns the trap at the end of the test, or nil.
func (t *testRun) run(ctx context.Context, r sandbox.Request) *finding.Problem {
	vm, problems, err := sandbox.Load(ctx, r)
	if err != nil {
		for _, p := range problems {
			t.comparison.fail("start", "", p.Message)
			t.result.Trap = p.Code
		}
		if len(problems) == 0 {
			t.comparison.fail("start", "", err.Error())
		}
		return nil
	}
	t.vm = vm
	defer func() {
		t.result.note(vm.Ran(), vm.Called())
		if err := vm.Close(ctx); err != nil {
			t.comparison.fail("end", "", err.Error())
		}
	}()
	t.takeLogs()
	for key, value := range t.test.Shared {
		vm.SetShared(key, []byte(value))
	}
	for _, name := range t.test.SharedQueues {
		vm.AddQueue(name)
	}
	for i := range t.test.Steps {
		t.comparison.step = i
		if err := t.runStep(ctx, &t.test.Steps[i]); err != nil {
			t.takeLogs()
			t.comparison.fail("run", "", trapText(err))
			p := vm.Problem(err)
			t.result.Trap = p.Code
			return p // after a trap the VM answers nothing
		}
	}
	return nil
}

// trapText returns a trap with its cause.
func trapText(err error) string {
	var p *finding.Problem
	if !errors.As(err, &p) {
		return err.Error()
	}
	told := cause.With(*p)
	return strings.Join(append([]string{told.Message}, told.Detail...), "\n")
}

// takeLogs moves the filter's log lines into the result.
func (t *testRun) takeLogs() []host.Log {
	logs := t.vm.Logs()
	for _, l := range logs {
		t.result.Logs = append(t.result.Logs, l.Level.String()+": "+finding.OneLine(l.Text))
	}
	return logs
}

// runStep returns an error only for a trap.
func (t *testRun) runStep(ctx context.Context, s *spec.TestStep) error {
	c := &t.comparison
	out, err := traffic.Sender{VM: t.vm.VM, Fail: c.fail}.Send(ctx, s)
	if err != nil {
		return err
	}
	switch {
	case s.HTTP != nil:
		c.exchange(s.Expect, out)
	case s.Connection != nil:
		c.connection(s.Expect, out)
	}
	for _, queue := range s.Expect.Queues {
		c.queue(queue, t.vm.Enqueued(queue.Name))
	}
	c.logs(s.Expect.Logs, t.takeLogs())
	c.metrics(s.Expect.Metrics, t.vm.Metrics())
	c.calls(s.Expect.Calls, out.Calls)
	return nil
}
