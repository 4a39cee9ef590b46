package profile

import (
	"context"
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/preflight/traffic"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const progressEvery = 100 * time.Millisecond

// profiler sends the steps of tests through a VM, in turn.
type profiler struct {
	vm       *sandbox.VM
	steps    []*profiledStep
	begun    time.Time
	until    time.Time // zero: no limit
	progress func(done, of int)
	told     time.Time // the time of the last progress call

	atStart       uint32 // pages
	calledAtStart map[string]uint64
	restore       func() // restores the shared data from before the test
	done          int    // requests
	cut           bool
	problem       *finding.Problem
}

type profiledStep struct {
	test    *spec.Test
	number  int // 0-based
	samples []time.Duration
	calls   uint64 // of host functions
}

func newProfiler(ctx context.Context, r sandbox.Request, tests []spec.Test) (*profiler, *finding.Problem) {
	vm, problems, err := sandbox.Load(ctx, r)
	if err != nil {
		p := finding.Problem{Step: finding.StepStart, Code: finding.CodeStart, Message: err.Error()}
		if len(problems) > 0 {
			p = problems[0]
		}
		return nil, &p
	}
	now := time.Now()
	p := &profiler{vm: vm, begun: now, told: now}
	p.atStart, p.calledAtStart = p.pages(), vm.Called()
	if len(tests) == 0 {
		tests = []spec.Test{traffic.Plain(r.Type)}
	}
	for i := range tests {
		for number := range tests[i].Steps {
			p.steps = append(p.steps, &profiledStep{test: &tests[i], number: number})
		}
	}
	return p, nil
}

func (p *profiler) close(ctx context.Context) { _ = p.vm.Close(ctx) } // the VM is empty

func (p *profiler) pages() uint32 { return p.vm.MemorySize() / engine.PageSize }

func (p *profiler) over() bool { return p.cut || p.problem != nil }

// send sends requests up to a number, of the total for progress.
func (p *profiler) send(ctx context.Context, requests, of int) {
	for p.done < requests && !p.over() {
		p.one(ctx, p.steps[p.done%len(p.steps)])
		now := time.Now()
		if ctx.Err() != nil || !p.until.IsZero() && now.After(p.until) {
			p.cut = p.problem == nil && p.done < requests || ctx.Err() != nil
		}
		if p.progress != nil && now.Sub(p.told) >= progressEvery {
			p.told = now
			p.progress(p.done, of)
		}
	}
}

// one sends a step's request. The shared data of its test exists from the test's first step to its
// last.
func (p *profiler) one(ctx context.Context, s *profiledStep) {
	if s.number == 0 {
		p.restore = p.vm.OverlayShared(s.test.Shared)
	}
	if s.number == len(s.test.Steps)-1 {
		defer p.restore()
	}
	spent, calls := p.vm.Spent(), p.vm.HostCalls()
	_, err := traffic.Sender{VM: p.vm.VM}.Send(ctx, &s.test.Steps[s.number])
	p.done++
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		told := cause.With(*p.vm.Problem(err))
		told.Message = fmt.Sprintf("request %d of %q, on one VM: %s%s", p.done, s.test.Name, told.Message, p.vm.Missed())
		p.problem = &told
		return
	}
	p.vm.Logs() // drops the logs, which would take memory
	s.samples = append(s.samples, p.vm.Spent()-spent)
	s.calls += p.vm.HostCalls() - calls
}
