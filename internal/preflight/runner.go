package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// TestResult is how one test of a spec went.
type TestResult struct {
	Name     string        `json:"name"`
	OK       bool          `json:"ok"`
	Failures []TestFailure `json:"failures"`
	// Logs is what the filter logged meanwhile, the start included.
	Logs     []string      `json:"logs"`
	Duration time.Duration `json:"durationNanoseconds"`
	File     string        `json:"file,omitempty"`
	Line     int           `json:"line,omitempty"`
}

// TestFailure is one thing that is not as expected.
type TestFailure struct {
	// Step is the test's step, 1-based; 0 where a test has only one.
	Step int `json:"step,omitempty"`
	// What is what was looked at, in the words of the spec: response.status.
	What string `json:"what"`
	Want string `json:"want,omitempty"`
	Got  string `json:"got"`
	// Diff is a line for each line of long texts, with - for what was expected
	// and + for what came instead; "" for short ones.
	Diff string `json:"diff,omitempty"`
}

// RequestFor is what a spec asks for, with its module and its configuration.
// What Envoy would take from its own environment is not there.
func RequestFor(s *spec.Spec, module []byte, config *string) Request {
	r := Request{
		Module: module, Type: s.Type, RootID: s.RootID, VMID: s.VM.ID, Name: s.Name,
		VMConfig: s.VM.Config, PluginConfig: config, Env: s.VM.Env,
		Capabilities: s.Capabilities, FailurePolicy: s.Policy,
		AllowOnHeadersStopIteration: s.AllowOnHeadersStopIteration != nil && *s.AllowOnHeadersStopIteration,
	}
	if s.AutoCapabilities {
		// A module that cannot be read fails for that, whatever it may call.
		info, _ := Inspect(module)
		r.Capabilities = Capabilities(info)
	}
	if r.Capabilities != nil {
		// A spec restricts what a module calls; what Envoy calls is always allowed.
		r.Capabilities = slices.Clone(r.Capabilities)
		for _, c := range callbacks() {
			r.Capabilities = append(r.Capabilities, c.name)
		}
	}
	return r
}

// RunTests runs each test on a VM of its own. The module is one that the check
// has passed; where it does not load, each test fails and says so.
func RunTests(ctx context.Context, r Request, tests []spec.Test) []TestResult {
	results := make([]TestResult, 0, len(tests))
	for _, t := range tests {
		begun := time.Now()
		run := testRun{test: t, result: TestResult{Name: t.Name, Failures: []TestFailure{}, Logs: []string{}, File: t.Pos.File, Line: t.Pos.Line}}
		run.run(ctx, r)
		run.result.OK = len(run.result.Failures) == 0
		run.result.Duration = time.Since(begun)
		results = append(results, run.result)
	}
	return results
}

// testRun is one test while it runs.
type testRun struct {
	test   spec.Test
	vm     *VM
	step   int // 0-based
	result TestResult
}

func (t *testRun) run(ctx context.Context, r Request) {
	vm, problems, err := Load(ctx, r)
	if err != nil {
		for _, p := range problems {
			t.fail("start", "", p.Message)
		}
		if len(problems) == 0 {
			t.fail("start", "", err.Error())
		}
		return
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
			return // after a trap the VM answers nothing
		}
	}
}

// trapText is a trap with what stands behind it.
func trapText(err error) string {
	var p *Problem
	if !errors.As(err, &p) {
		return err.Error()
	}
	told := withCause(*p)
	return strings.Join(append([]string{told.Message}, told.Detail...), "\n")
}

func (t *testRun) fail(what, want, got string) {
	f := TestFailure{What: what, Want: want, Got: got, Diff: diffLines(want, got)}
	if len(t.test.Steps) > 1 {
		f.Step = t.step + 1
	}
	t.result.Failures = append(t.result.Failures, f)
}

// takeLogs moves what the filter has logged into the result.
func (t *testRun) takeLogs() []Log {
	logs := t.vm.Logs()
	for _, l := range logs {
		t.result.Logs = append(t.result.Logs, levelName(l.Level)+": "+oneLine(l.Text))
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

// runStep returns an error for a trap only.
func (t *testRun) runStep(ctx context.Context, s *spec.TestStep) error {
	calls := &callAnswers{test: t, answers: s.Calls, before: len(t.vm.Calls()), used: map[string]int{}}
	options := StreamOptions{Properties: s.Properties}
	var err error
	if s.HTTP != nil {
		err = t.exchange(ctx, s, options, calls)
	} else {
		err = t.connect(ctx, s, options, calls)
	}
	if err != nil {
		return err
	}
	t.compareLogs(s.Expect.Logs, t.takeLogs())
	t.compareMetrics(s.Expect.Metrics, t.vm.Metrics())
	t.compareCalls(s.Expect.Calls, t.vm.Calls()[calls.before:])
	return nil
}

// exchange sends one request, and its response if the request arrives.
func (t *testRun) exchange(ctx context.Context, s *spec.TestStep, o StreamOptions, calls *callAnswers) error {
	stream, err := t.vm.NewStream(ctx, o)
	if err != nil {
		return err
	}
	if err := stream.Request(ctx, requestMessage(s.HTTP.Request)); err != nil {
		return err
	}
	if err := calls.answerAll(ctx); err != nil {
		return err
	}
	if stream.Upstream().Complete && !stream.Local() && !stream.Reset() {
		if err := stream.Response(ctx, responseMessage(s.HTTP.Upstream)); err != nil {
			return err
		}
		if err := calls.answerAll(ctx); err != nil {
			return err
		}
	}
	upstream, client := stream.Upstream(), stream.Client()
	if err := stream.Close(ctx); err != nil {
		return err
	}
	why := "nothing: the filter holds it back"
	switch {
	case stream.Reset():
		why = "nothing: the filter has reset the stream"
	case stream.Local():
		why = "nothing: the filter has answered by itself"
	}
	t.compareOutcome("upstream", s.Expect.Upstream, s.Expect.NoUpstream, upstream, why)
	t.compareOutcome("response", s.Expect.Response, s.Expect.NoResponse, client, why)
	return nil
}

// connect passes bytes through a connection, the client's first, and ends it.
func (t *testRun) connect(ctx context.Context, s *spec.TestStep, o StreamOptions, calls *callAnswers) error {
	c, err := t.vm.NewConnection(ctx, o)
	if err != nil {
		return err
	}
	for _, chunk := range s.Connection.Downstream {
		if err := c.FromDownstream(ctx, []byte(chunk), false); err != nil {
			return err
		}
		if err := calls.answerAll(ctx); err != nil {
			return err
		}
	}
	for _, chunk := range s.Connection.Upstream {
		if err := c.FromUpstream(ctx, []byte(chunk), false); err != nil {
			return err
		}
		if err := calls.answerAll(ctx); err != nil {
			return err
		}
	}
	closed := c.Closed()
	for _, end := range []func(context.Context, []byte, bool) error{c.FromDownstream, c.FromUpstream} {
		if err := end(ctx, nil, true); err != nil {
			return err
		}
	}
	toUpstream, toDownstream := string(c.ToUpstream()), string(c.ToDownstream())
	if err := c.Close(ctx); err != nil {
		return err
	}
	e := s.Expect
	t.compareText("upstream", e.ToUpstream, toUpstream)
	t.compareText("downstream", e.ToDownstream, toDownstream)
	if e.Closed != nil && *e.Closed != closed {
		t.fail("closed", strconv.FormatBool(*e.Closed), strconv.FormatBool(closed))
	}
	return nil
}

// callAnswers answers the calls that a filter makes in one step.
type callAnswers struct {
	test    *testRun
	answers map[string][]spec.TestAnswer
	before  int            // calls that there were before the step
	used    map[string]int // answers given, by cluster
}

// maxCalls bounds the calls of a step: a filter may try again for ever.
const maxCalls = 1000

// unavailable is gRPC's status when there is no answer.
const unavailable = 14

// answerAll answers until no call waits: an answer may bring the next call.
func (c *callAnswers) answerAll(ctx context.Context) error {
	for range maxCalls {
		call := c.next()
		if call == nil {
			return nil
		}
		if err := c.test.vm.Answer(ctx, call, c.answerFor(call)); err != nil {
			return err
		}
	}
	c.test.fail("calls", fmt.Sprintf("at most %d calls", maxCalls), "more of them: the filter calls again and again")
	return nil
}

// next is the first call that waits. One that was made before the first step, as
// from proxy_on_configure, waits until a step has an answer for it.
func (c *callAnswers) next() *Call {
	for i, call := range c.test.vm.Calls() {
		if !call.Answered && (i >= c.before || len(c.answers[call.Cluster]) > 0) {
			return call
		}
	}
	return nil
}

func (c *callAnswers) answerFor(call *Call) Answer {
	all := c.answers[call.Cluster]
	if len(all) == 0 {
		c.test.fail("calls."+call.Cluster, "", fmt.Sprintf("the filter calls cluster %q, for which the test has no answer", call.Cluster))
		return Answer{Failed: true, Status: unavailable}
	}
	a := all[min(c.used[call.Cluster], len(all)-1)]
	c.used[call.Cluster]++
	if a.Fail || call.GRPC && a.Status != 200 {
		return Answer{Failed: true, Status: unavailable}
	}
	return Answer{Message: responseMessage(a.TestMessage)}
}

func requestMessage(m spec.TestMessage) Message {
	headers := headerList(m.Headers)
	pseudo := []Header{{":authority", "test.example"}, {":path", m.Path}, {":method", m.Method}, {":scheme", "http"}}
	if i := slices.IndexFunc(headers, func(h Header) bool { return h.Name == "host" }); i >= 0 {
		pseudo[0].Value = headers[i].Value
		headers = slices.Delete(headers, i, i+1)
	}
	// A test may set them as headers, too.
	pseudo = slices.DeleteFunc(pseudo, func(p Header) bool {
		return slices.ContainsFunc(headers, func(h Header) bool { return h.Name == p.Name })
	})
	return message(append(pseudo, headers...), m)
}

func responseMessage(m spec.TestMessage) Message {
	return message(append([]Header{{":status", strconv.Itoa(m.Status)}}, headerList(m.Headers)...), m)
}

func message(headers []Header, m spec.TestMessage) Message {
	out := Message{Headers: headers}
	for _, chunk := range m.Body {
		out.Body = append(out.Body, []byte(chunk))
	}
	if m.Trailers != nil {
		out.Trailers = headerList(m.Trailers)
	}
	return out
}

// headerList is never nil.
func headerList(headers []spec.TestHeader) []Header {
	list := []Header{}
	for _, h := range headers {
		for _, value := range h.Values {
			list = append(list, Header{h.Name, value})
		}
	}
	return list
}
