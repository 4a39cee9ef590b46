package preflight

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestResult is the result of one test of a spec.
type TestResult struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Trap is the code of the problem that has ended the test; "": none.
	Trap string `json:"trap,omitempty"`
	// Doubtful means that the failed test is no reason to refuse the filter.
	Doubtful bool          `json:"doubtful,omitempty"`
	Failures []TestFailure `json:"failures"`
	// Logs are the filter's log lines during the test, including the start.
	Logs     []string      `json:"logs"`
	Duration time.Duration `json:"durationNanoseconds"`
	File     string        `json:"file,omitempty"`
	Line     int           `json:"line,omitempty"`
}

// TestFailure is one difference from the expected result.
type TestFailure struct {
	// Step is the test's step, 1-based; 0 if the test has a single step.
	Step int `json:"step,omitempty"`
	// What names the compared part in the words of the spec: response.status.
	What string `json:"what"`
	Want string `json:"want,omitempty"`
	Got  string `json:"got"`
	// Diff is a line diff of long texts, with - for an expected line and + for an actual line; ""
	// for short texts.
	Diff string `json:"diff,omitempty"`
}

// RequestFor returns the request for a spec, with its module and its configuration. Variables from
// Envoy's own environment are missing, because their values are unknown here. Variables of this
// process are missing too, because they do not concern the module.
func RequestFor(s *spec.Spec, module []byte, config *string) Request {
	r := Request{
		Module: module, Type: s.Type, RootID: s.RootID, VMID: s.VM.ID, Name: s.Name,
		VMConfig: s.VM.Config, PluginConfig: config, Env: s.VM.Env,
		Capabilities: s.Capabilities, AutoCapabilities: s.AutoCapabilities, FailurePolicy: s.Policy,
		AllowOnHeadersStopIteration: s.AllowOnHeadersStopIteration != nil && *s.AllowOnHeadersStopIteration,
	}
	if r.Capabilities != nil {
		r.Capabilities = envoy.WithCallbacks(r.Capabilities)
	}
	return r
}

// RunTests runs each test on a VM of its own. The module must have passed the check. If it does not
// load, each test fails with the reason.
func RunTests(ctx context.Context, r Request, tests []spec.Test) []TestResult {
	results := make([]TestResult, 0, len(tests))
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
// stack: see [inspected.run].
func runTest(ctx context.Context, r Request, t spec.Test) TestResult {
	first := newTestRun(t)
	again, ok := another(ctx, first.run(ctx, r, ""))
	if !ok {
		return first.result
	}
	second := newTestRun(t)
	_ = second.run(again, r, Compiler) // the result has the error too
	return second.result
}

// testRun is one running test.
type testRun struct {
	test   spec.Test
	vm     *VM
	step   int // 0-based
	result TestResult
}

func newTestRun(t spec.Test) *testRun {
	return &testRun{test: t, result: TestResult{Name: t.Name, Failures: []TestFailure{}, Logs: []string{}, File: t.Pos.File, Line: t.Pos.Line}}
}

// run returns the trap that has ended the test.
func (t *testRun) run(ctx context.Context, r Request, e Engine) *finding.Problem {
	vm, problems, err := loadOn(ctx, r, e)
	if err != nil {
		for _, p := range problems {
			t.fail("start", "", p.Message)
			t.result.Trap = p.Code
		}
		if len(problems) == 0 {
			t.fail("start", "", err.Error())
		}
		return nil
	}
	t.vm = vm
	defer func() {
		if err := vm.Close(ctx); err != nil {
			t.fail("end", "", err.Error())
		}
	}()
	t.takeLogs()
	for key, value := range t.test.Shared {
		vm.SetShared(key, []byte(value))
	}
	for i := range t.test.Steps {
		t.step = i
		if err := t.runStep(ctx, &t.test.Steps[i]); err != nil {
			t.takeLogs()
			t.fail("run", "", trapText(err))
			p := asProblem(vm.host, err)
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

func (t *testRun) fail(what, want, got string) {
	f := TestFailure{What: what, Want: want, Got: got, Diff: diffLines(want, got)}
	if len(t.test.Steps) > 1 {
		f.Step = t.step + 1
	}
	t.result.Failures = append(t.result.Failures, f)
}

// takeLogs moves the filter's log lines into the result.
func (t *testRun) takeLogs() []Log {
	logs := t.vm.Logs()
	for _, l := range logs {
		t.result.Logs = append(t.result.Logs, levelName(l.Level)+": "+finding.OneLine(l.Text))
	}
	return logs
}

func levelName(l LogLevel) string {
	names := []string{"trace", "debug", "info", "warn", "error", "critical"}
	if l < 0 || int(l) >= len(names) {
		return strconv.Itoa(int(l))
	}
	return names[l]
}

// runStep returns an error only for a trap.
func (t *testRun) runStep(ctx context.Context, s *spec.TestStep) error {
	out, err := sender{vm: t.vm, fail: t.fail}.send(ctx, s)
	if err != nil {
		return err
	}
	if s.HTTP != nil {
		t.compareExchange(s.Expect, out)
	} else {
		t.compareConnection(s.Expect, out)
	}
	t.compareLogs(s.Expect.Logs, t.takeLogs())
	t.compareMetrics(s.Expect.Metrics, t.vm.Metrics())
	t.compareCalls(s.Expect.Calls, out.calls)
	return nil
}

func (t *testRun) compareExchange(e spec.TestExpect, out passed) {
	why := "nothing: the filter holds it back"
	switch {
	case out.reset:
		why = "nothing: the filter has reset the stream"
	case out.local:
		why = "nothing: the filter has answered by itself"
	}
	t.compareOutcome("upstream", e.Upstream, e.NoUpstream, out.upstream, why)
	t.compareOutcome("response", e.Response, e.NoResponse, out.client, why)
}

func (t *testRun) compareConnection(e spec.TestExpect, out passed) {
	t.compareText("upstream", e.ToUpstream, out.toUpstream)
	t.compareText("downstream", e.ToDownstream, out.toDownstream)
	if e.Closed != nil && *e.Closed != out.closed {
		t.fail("closed", strconv.FormatBool(*e.Closed), strconv.FormatBool(out.closed))
	}
}
