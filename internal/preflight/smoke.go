package preflight

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Smoke selects the traffic that [Check] sends through a configured module. A module that traps
// there would trap in Envoy, which then answers each request with 503 or, with failure policy open,
// goes on without the filter.
// See docs/RATIONALE.md#why-does-each-check-send-a-plain-request.
type Smoke string

// The kinds of smoke. The zero value is a plain request.
const (
	// SmokeRequest is a plain request with a plain response; for a network filter, a connection
	// with a few bytes each way.
	SmokeRequest Smoke = ""
	// SmokeContext creates and deletes a stream's context, and sends nothing.
	SmokeContext Smoke = "context"
)

// smoke sends the traffic. The filter's calls get no response, because no good response is known
// here.
func (s *inspected) smoke(ctx context.Context, r *running) *finding.Problem {
	h := r.host
	vm := &VM{host: h, running: r}
	if s.request.Smoke == SmokeContext {
		if err := vm.tryContext(ctx); err != nil {
			return h.noStream(err)
		}
		return nil
	}
	test := Plain(s.request.Type)
	send := sender{vm: vm, fail: func(string, string, string) {}, unanswered: true}
	_, err := send.send(ctx, &test.Steps[0])
	switch {
	case err == nil:
		return nil
	case h.failedIn == envoy.CallbackContextCreate:
		return h.noStream(err)
	}
	p := cause.With(*asProblem(h, err))
	p.Message = fmt.Sprintf("a plain request (%s) makes the filter fail: %s%s", test.Name, p.Message, h.missedWords())
	p.Hint = joined(p.Hint, testsHint+", or set smoke: off")
	return &p
}

// noStream is the problem of a filter that cannot begin a stream. Only tests can show that it can.
func (h *host) noStream(err error) *finding.Problem {
	p := cause.With(*asProblem(h, err))
	p.Message = "the filter can serve no stream: " + p.Message + h.missedWords()
	return &p
}

// testsHint is the advice for a filter that needs more than a plain request has.
const testsHint = "if the filter needs more than a plain request has, give the spec tests with requests as they come, which then count instead"

func joined(hints ...string) string {
	hints = slices.DeleteFunc(hints, func(hint string) bool { return hint == "" })
	return strings.Join(hints, "; ")
}

// tryContext creates and deletes a stream's context.
func (vm *VM) tryContext(ctx context.Context) error {
	c, err := vm.newContext(ctx, StreamOptions{}, func(c *contextState) { c.stream = &Stream{host: vm.host} })
	if err != nil {
		return err
	}
	return vm.host.endContext(ctx, c.id, "proxy_on_done", "proxy_on_delete")
}

// mostMissed is the largest number of missing things in a message.
const mostMissed = 5

// miss records a header or property that the module asked for in vain.
func (h *host) miss(what string) {
	what = finding.OneLine(what)
	if h.step != finding.StepStream || len(what) > finding.MaximumDetail || slices.Contains(h.missing, what) {
		return
	}
	if len(h.missing) == mostMissed {
		h.missing = h.missing[1:]
	}
	h.missing = append(h.missing, what)
}

// missedWords names the missing things of the current stream, for the end of a message.
func (h *host) missedWords() string {
	if len(h.missing) == 0 {
		return ""
	}
	return "; it asked for what the sandbox's request has not: " + strings.Join(h.missing, ", ")
}

// Plain is the traffic for a filter without tests: a usual request or connection with Envoy's own
// additions, and a response.
func Plain(t spec.Type) spec.Test {
	const text = "hello\n"
	if t == spec.Network {
		step := spec.TestStep{Connection: &spec.TestConnection{Downstream: []string{text}, Upstream: []string{text}}}
		return spec.Test{Name: "a connection", Steps: []spec.TestStep{step}}
	}
	header := func(name, value string) spec.TestHeader {
		return spec.TestHeader{Name: name, Values: []string{value}}
	}
	step := spec.TestStep{HTTP: &spec.TestHTTP{
		Request: spec.TestMessage{Method: "GET", Path: "/", Headers: []spec.TestHeader{
			header("user-agent", "wasm-xds"), header("accept", "*/*"), header("x-forwarded-proto", "http"),
			header("x-request-id", "7b5d3c1e-0f6a-4d2b-9c88-2f1e4a6b8d00"),
		}},
		Upstream: spec.TestMessage{Status: 200, Body: []string{text}, Headers: []spec.TestHeader{
			header("content-type", "text/plain"), header("content-length", strconv.Itoa(len(text))),
			header("date", "Thu, 01 Jan 2026 00:00:00 GMT"), header("server", "upstream"), header("x-envoy-upstream-service-time", "1"),
		}},
	}}
	return spec.Test{Name: "GET /", Steps: []spec.TestStep{step}}
}
