package traffic

import (
	"context"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Sender sends the traffic of test steps through a filter.
type Sender struct {
	VM *host.VM
	// Fail is called for a call without a response in the test; nil: nobody wants to know.
	Fail func(what, want, got string)
	// Unanswered leaves the filter's calls without a response.
	Unanswered bool
}

// Passed is the result of a step.
type Passed struct {
	Upstream, Client         host.Outcome // of a request
	Local, Reset             bool
	ToUpstream, ToDownstream string // of a connection
	Closed                   bool
	Calls                    []*host.Call // the filter's calls during the step
}

// Send sends the request or the connection of a step. It returns an error only for a trap.
func (d Sender) Send(ctx context.Context, s *spec.TestStep) (Passed, error) {
	d.VM.ForgetAnswered()
	d.VM.ForgetEnqueued()
	before := len(d.VM.Calls())
	fail := d.Fail
	if fail == nil {
		fail = func(string, string, string) {}
	}
	answers := &callAnswers{
		vm: d.VM, fail: fail, unanswered: d.Unanswered, answers: s.Calls, before: before, used: map[string]int{},
	}
	options := host.StreamOptions{Properties: s.Properties}
	exchange := d.connect
	switch {
	case s.HTTP != nil:
		exchange = d.exchange
	case s.Service != nil:
		exchange = d.serve
	}
	out, err := exchange(ctx, s, options, answers)
	if err == nil {
		out.Calls = d.VM.Calls()[before:]
	}
	return out, err
}

// exchange sends one request, and its response if the request reaches the upstream.
func (d Sender) exchange(ctx context.Context, s *spec.TestStep, o host.StreamOptions, calls *callAnswers) (Passed, error) {
	stream, err := d.VM.NewStream(ctx, o)
	if err != nil {
		return Passed{}, err
	}
	if err := stream.Request(ctx, requestMessage(s.HTTP.Request)); err != nil {
		return Passed{}, err
	}
	if err := calls.answerAll(ctx); err != nil {
		return Passed{}, err
	}
	if stream.Upstream().Complete && !stream.Local() && !stream.Reset() {
		if err := stream.Response(ctx, responseMessage(s.HTTP.Upstream)); err != nil {
			return Passed{}, err
		}
		if err := calls.answerAll(ctx); err != nil {
			return Passed{}, err
		}
	}
	out := Passed{Upstream: stream.Upstream(), Client: stream.Client(), Local: stream.Local(), Reset: stream.Reset()}
	return out, stream.Close(ctx)
}

// connect passes bytes through a connection, the client's first, and ends the connection.
func (d Sender) connect(ctx context.Context, s *spec.TestStep, o host.StreamOptions, calls *callAnswers) (Passed, error) {
	c, err := d.VM.NewConnection(ctx, o)
	if err != nil {
		return Passed{}, err
	}
	for _, chunk := range s.Connection.Downstream {
		if err := c.FromDownstream(ctx, []byte(chunk), false); err != nil {
			return Passed{}, err
		}
		if err := calls.answerAll(ctx); err != nil {
			return Passed{}, err
		}
	}
	for _, chunk := range s.Connection.Upstream {
		if err := c.FromUpstream(ctx, []byte(chunk), false); err != nil {
			return Passed{}, err
		}
		if err := calls.answerAll(ctx); err != nil {
			return Passed{}, err
		}
	}
	out := Passed{Closed: c.Closed()}
	for _, end := range []func(context.Context, []byte, bool) error{c.FromDownstream, c.FromUpstream} {
		if err := end(ctx, nil, true); err != nil {
			return Passed{}, err
		}
	}
	out.ToUpstream, out.ToDownstream = string(c.ToUpstream()), string(c.ToDownstream())
	return out, c.Close(ctx)
}

// serve hands a service its messages and its ticks. A queue without a new message is ready once,
// too: a service must bear to find nothing.
func (d Sender) serve(ctx context.Context, s *spec.TestStep, _ host.StreamOptions, calls *callAnswers) (Passed, error) {
	for _, queue := range s.Service.Queues {
		for _, message := range queue.Messages {
			ok, err := d.VM.Enqueue(ctx, queue.Name, []byte(message))
			if err != nil {
				return Passed{}, err
			}
			if !ok {
				calls.fail("queues."+queue.Name, "a queue", fmt.Sprintf("the service has not registered the queue %q", queue.Name))
				break
			}
		}
	}
	if err := d.VM.QueuesReady(ctx); err != nil {
		return Passed{}, err
	}
	for range s.Service.Ticks {
		if err := d.VM.Tick(ctx); err != nil {
			return Passed{}, err
		}
	}
	return Passed{}, calls.answerAll(ctx)
}

// SendPlain sends [Plain] traffic. The filter's calls get no response, because no good response is
// known. An error is a trap.
func SendPlain(ctx context.Context, vm *host.VM, kind spec.Type) error {
	test := Plain(kind)
	_, err := Sender{VM: vm, Unanswered: true}.Send(ctx, &test.Steps[0])
	return err
}
