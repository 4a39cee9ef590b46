package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/preflight/traffic"
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
	// SmokeContext creates and deletes a stream's context, and sends nothing. A service has no
	// streams, and gets nothing at all.
	SmokeContext Smoke = "context"
)

// smokes sends the traffic of a check, and keeps the log of the start apart from the log of the
// traffic. It serves one run, which may send the traffic once on each engine.
type smokes struct {
	kind  spec.Type
	smoke Smoke
	vm    *sandbox.VM // the VM that had the traffic last
	logs  []host.Log  // of its start
}

// startLogs returns the log of a VM's start, if the VM had traffic.
func (s *smokes) startLogs(vm *sandbox.VM) []host.Log {
	if s.vm != vm {
		return nil
	}
	return s.logs
}

// send implements [sandbox.Traffic].
func (s *smokes) send(ctx context.Context, vm *sandbox.VM) *finding.Problem {
	s.vm, s.logs = vm, vm.Logs()
	problem := s.try(ctx, vm)
	if problem == nil {
		vm.Logs() // drops lines that are not of the start
	}
	return problem
}

// testsHint is the advice for a filter that needs more than a plain request has.
const testsHint = "if the filter needs more than a plain request has, give the spec tests with requests as they come, which then count instead"

// try sends the traffic. The filter's calls get no response, because no good response is known
// here.
func (s *smokes) try(ctx context.Context, vm *sandbox.VM) *finding.Problem {
	if s.smoke == SmokeContext {
		if s.kind == spec.Service {
			return nil // has no streams
		}
		if err := vm.TryContext(ctx); err != nil {
			return noStream(vm, err)
		}
		return nil
	}
	err := traffic.SendPlain(ctx, vm.VM, s.kind)
	if err == nil {
		return nil
	}
	if function, _ := vm.Failed(); function == envoy.CallbackContextCreate {
		return noStream(vm, err)
	}
	p := cause.With(*vm.Problem(err))
	p.Message = fmt.Sprintf("a plain request (%s) makes the filter fail: %s%s", traffic.Plain(s.kind).Name, p.Message, vm.Missed())
	p.Hint = strings.TrimPrefix(p.Hint+"; "+testsHint+", or set smoke: off", "; ")
	return &p
}

// noStream is the problem of a filter that cannot begin a stream. Only tests can show that it can.
func noStream(vm *sandbox.VM, err error) *finding.Problem {
	p := cause.With(*vm.Problem(err))
	p.Message = "the filter can serve no stream: " + p.Message + vm.Missed()
	return &p
}
