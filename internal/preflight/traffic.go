package preflight

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// sender sends the traffic of test steps through a filter.
type sender struct {
	vm *VM
	// fail is called for a call without a response in the test.
	fail func(what, want, got string)
	// unanswered leaves the filter's calls without a response.
	unanswered bool
}

// passed is the result of a step.
type passed struct {
	upstream, client         Outcome // of a request
	local, reset             bool
	toUpstream, toDownstream string // of a connection
	closed                   bool
	calls                    []*Call // the filter's calls during the step
}

// send returns an error only for a trap.
func (d sender) send(ctx context.Context, s *spec.TestStep) (passed, error) {
	d.vm.forgetAnswered()
	before := len(d.vm.host.state.outgoing)
	answers := &callAnswers{sender: d, answers: s.Calls, before: before, used: map[string]int{}}
	options := StreamOptions{Properties: s.Properties}
	exchange := d.connect
	if s.HTTP != nil {
		exchange = d.exchange
	}
	out, err := exchange(ctx, s, options, answers)
	if err == nil {
		out.calls = d.vm.Calls()[before:]
	}
	return out, err
}

// exchange sends one request, and its response if the request reaches the upstream.
func (d sender) exchange(ctx context.Context, s *spec.TestStep, o StreamOptions, calls *callAnswers) (passed, error) {
	stream, err := d.vm.NewStream(ctx, o)
	if err != nil {
		return passed{}, err
	}
	if err := stream.Request(ctx, requestMessage(s.HTTP.Request)); err != nil {
		return passed{}, err
	}
	if err := calls.answerAll(ctx); err != nil {
		return passed{}, err
	}
	if stream.Upstream().Complete && !stream.Local() && !stream.Reset() {
		if err := stream.Response(ctx, responseMessage(s.HTTP.Upstream)); err != nil {
			return passed{}, err
		}
		if err := calls.answerAll(ctx); err != nil {
			return passed{}, err
		}
	}
	out := passed{upstream: stream.Upstream(), client: stream.Client(), local: stream.Local(), reset: stream.Reset()}
	return out, stream.Close(ctx)
}

// connect passes bytes through a connection, the client's first, and ends the connection.
func (d sender) connect(ctx context.Context, s *spec.TestStep, o StreamOptions, calls *callAnswers) (passed, error) {
	c, err := d.vm.NewConnection(ctx, o)
	if err != nil {
		return passed{}, err
	}
	for _, chunk := range s.Connection.Downstream {
		if err := c.FromDownstream(ctx, []byte(chunk), false); err != nil {
			return passed{}, err
		}
		if err := calls.answerAll(ctx); err != nil {
			return passed{}, err
		}
	}
	for _, chunk := range s.Connection.Upstream {
		if err := c.FromUpstream(ctx, []byte(chunk), false); err != nil {
			return passed{}, err
		}
		if err := calls.answerAll(ctx); err != nil {
			return passed{}, err
		}
	}
	out := passed{closed: c.Closed()}
	for _, end := range []func(context.Context, []byte, bool) error{c.FromDownstream, c.FromUpstream} {
		if err := end(ctx, nil, true); err != nil {
			return passed{}, err
		}
	}
	out.toUpstream, out.toDownstream = string(c.ToUpstream()), string(c.ToDownstream())
	return out, c.Close(ctx)
}

// callAnswers answers the filter's calls in one step.
type callAnswers struct {
	sender
	answers map[string][]spec.TestAnswer
	before  int            // number of calls before the step
	used    map[string]int // answers given, by cluster
}

// maxCalls bounds the calls of a step, because a filter may retry without end.
const maxCalls = 1000

// unavailable is gRPC's status for a missing response.
const unavailable = 14

// answerAll answers until no call waits: a response may cause the next call.
func (c *callAnswers) answerAll(ctx context.Context) error {
	if c.unanswered {
		return nil
	}
	for range maxCalls {
		call := c.next()
		if call == nil {
			return nil
		}
		if err := c.vm.Answer(ctx, call, c.answerFor(call)); err != nil {
			return err
		}
	}
	c.fail("calls", fmt.Sprintf("at most %d calls", maxCalls), "more of them: the filter calls again and again")
	return nil
}

// next returns the first waiting call. A call from before the first step, as from
// proxy_on_configure, waits until a step has a response for it.
func (c *callAnswers) next() *Call {
	for i, call := range c.vm.host.state.outgoing {
		if !call.Answered && (i >= c.before || len(c.answers[call.Cluster]) > 0) {
			return call
		}
	}
	return nil
}

func (c *callAnswers) answerFor(call *Call) Answer {
	all := c.answers[call.Cluster]
	if len(all) == 0 {
		c.fail("calls."+call.Cluster, "", fmt.Sprintf("the filter calls cluster %q, for which the test has no answer", call.Cluster))
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
	// A test may also set them as headers.
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
