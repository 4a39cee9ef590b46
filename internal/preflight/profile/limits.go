package profile

import (
	"context"
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The bounds of measuring.
const (
	limitRounds   = 3
	limitRequests = 200 // of a round, at least a request for each step
	limitTime     = 2 * time.Second
)

// CheckLimits returns the limits that a filter exceeds with the requests of its tests, or, without
// tests, with a plain request of its type. The module must have passed the check.
//
// The time of a request is the median over a round of requests. The best of three rounds counts, so
// a busy machine does not refuse a good filter. CheckLimits measures memory after the start and
// after one pass of the requests, whatever the time.
func CheckLimits(ctx context.Context, r sandbox.Request, tests []spec.Test, l spec.Limits) []finding.Problem {
	if l.TimePerRequest == 0 && l.Memory == 0 {
		return nil
	}
	if l.TimePerRequest == 0 {
		// The interpreter starts faster.
		found, problem := checkLimits(ctx, r, tests, l)
		again, ok := sandbox.Again(ctx, problem)
		if !ok {
			return found
		}
		ctx = again
	}
	r.Engine = engine.Compiler
	found, _ := checkLimits(ctx, r, tests, l)
	return found
}

// checkLimits also returns the problem behind an early end of the requests.
func checkLimits(ctx context.Context, r sandbox.Request, tests []spec.Test, l spec.Limits) ([]finding.Problem, *finding.Problem) {
	p, problem := newProfiler(ctx, r, tests)
	if problem != nil {
		return []finding.Problem{*problem}, nil
	}
	defer p.close(ctx)
	var found []finding.Problem
	if p.send(ctx, len(p.steps), len(p.steps)); l.Memory > 0 && int64(p.vm.MemorySize()) > l.Memory {
		found = append(found, memoryProblem(p, l))
	}
	if l.TimePerRequest > 0 && p.problem == nil {
		if slow := slowest(ctx, p, l.TimePerRequest); slow != nil {
			found = append(found, *slow)
		}
	}
	if p.problem != nil {
		found = append(found, *p.problem)
	}
	return found, p.problem
}

// slowest returns the problem of a step with too much time in every round.
func slowest(ctx context.Context, p *profiler, limit time.Duration) *finding.Problem {
	p.until = time.Now().Add(limitTime)
	var best *finding.Problem
	took := time.Duration(0)
	for range limitRounds {
		for _, s := range p.steps {
			s.samples = s.samples[:0]
		}
		size := max(limitRequests, len(p.steps))
		if p.send(ctx, p.done+size, 0); failed(ctx, p) {
			return nil // the caller reports the reason
		}
		slow := costliest(p)
		cost := costOf(slow.samples, 0)
		if cost.Median <= limit {
			return nil
		}
		if best == nil || cost.Median < took {
			took, best = cost.Median, tooSlow(slow, cost, limit)
		}
		if p.cut {
			break
		}
	}
	return best
}

func failed(ctx context.Context, p *profiler) bool { return p.problem != nil || ctx.Err() != nil }

func costliest(p *profiler) *profiledStep {
	most := p.steps[0]
	for _, s := range p.steps {
		if costOf(s.samples, 0).Median > costOf(most.samples, 0).Median {
			most = s
		}
	}
	return most
}

func tooSlow(s *profiledStep, cost Cost, limit time.Duration) *finding.Problem {
	which := fmt.Sprintf("%q", s.test.Name)
	if len(s.test.Steps) > 1 {
		which = fmt.Sprintf("step %d of %q", s.number+1, s.test.Name)
	}
	return &finding.Problem{
		Step: finding.StepLimits, Code: finding.CodeLimitTime,
		Message: fmt.Sprintf("%s takes the filter %s (the median of %d requests), more than limits.timePerRequest of %s",
			which, roundTime(cost.Median), len(s.samples), limit),
		Hint: "wasm-xds check --profile shows what requests cost and which host functions they call; make the filter cheaper, or raise the limit",
	}
}

func memoryProblem(p *profiler, l spec.Limits) finding.Problem {
	fromStart := "all of them"
	if p.atStart < p.pages() {
		fromStart = fmt.Sprint(p.atStart)
	}
	return finding.Problem{
		Step: finding.StepLimits, Code: finding.CodeLimitMemory,
		Message: fmt.Sprintf("the filter's memory has %d bytes (%s of 64 KiB, %s from its start) once each request of its tests was there, more than limits.memory of %d bytes",
			p.vm.MemorySize(), pageCount(p.pages()), fromStart, l.Memory),
		Hint: "give the filter less memory when you link it, have it keep less, or raise the limit",
	}
}
