package traffic

import (
	"context"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// callAnswers answers the filter's calls in one step.
type callAnswers struct {
	vm *host.VM
	// fail is called for a call without a response in the test.
	fail func(what, want, got string)
	// unanswered leaves the filter's calls without a response.
	unanswered bool
	answers    map[string][]spec.TestAnswer
	before     int            // number of calls before the step
	used       map[string]int // answers given, by cluster
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
func (c *callAnswers) next() *host.Call {
	for i, call := range c.vm.Calls() {
		if !call.Answered && (i >= c.before || len(c.answers[call.Cluster]) > 0) {
			return call
		}
	}
	return nil
}

func (c *callAnswers) answerFor(call *host.Call) host.Answer {
	all := c.answers[call.Cluster]
	if len(all) == 0 {
		c.fail("calls."+call.Cluster, "", fmt.Sprintf("the filter calls cluster %q, for which the test has no answer", call.Cluster))
		return host.Answer{Failed: true, Status: unavailable}
	}
	a := all[min(c.used[call.Cluster], len(all)-1)]
	c.used[call.Cluster]++
	if a.Fail || call.GRPC && a.Status != 200 {
		return host.Answer{Failed: true, Status: unavailable}
	}
	return host.Answer{Message: responseMessage(a.TestMessage)}
}
