package profile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	mostExtensions  = 4 // each doubles the number of requests
	defaultRequests = 10_000
	defaultTime     = 30 * time.Second
)

// Run sends the requests of a filter's tests through one VM, again and again. Without tests it
// sends a plain request of the filter's type. The module must have passed the check. When ctx ends,
// Run returns a shortened result.
func Run(ctx context.Context, r sandbox.Request, tests []spec.Test, o Options) Result {
	o.Requests, o.Time = cmp.Or(o.Requests, defaultRequests), cmp.Or(o.Time, defaultTime)
	r.Engine = engine.Compiler
	p, problem := newProfiler(ctx, r, tests)
	if problem != nil {
		return Result{Problem: problem}
	}
	defer p.close(ctx)
	p.until = p.begun.Add(o.Time)
	p.progress = o.Progress
	of := max(o.Requests, len(p.steps))
	p.send(ctx, of/2, of)
	memory := MemoryGrowth{Start: p.atStart, Half: p.pages()}
	half := p.done
	p.send(ctx, of, of)
	for range mostExtensions {
		if p.over() || p.pages() == memory.Half {
			break
		}
		half, memory.Half = p.done, p.pages()
		of *= 2
		p.send(ctx, of, of)
	}
	memory.End = p.pages()
	if grown := memory.End - memory.Half; grown > 0 && p.done > half {
		memory.BytesPerRequest = float64(grown) * engine.PageSize / float64(p.done-half)
	}
	return resultOf(p, memory)
}

func resultOf(p *profiler, memory MemoryGrowth) Result {
	r := Result{
		Requests: p.done, CutShort: p.cut, Duration: time.Since(p.begun), Memory: memory, Problem: p.problem,
		Functions: []FunctionCalls{}, Steps: []StepCost{},
	}
	var all []time.Duration
	calls := uint64(0)
	for _, s := range p.steps {
		cost := StepCost{Test: s.test.Name, Requests: len(s.samples), Cost: costOf(s.samples, s.calls)}
		if len(s.test.Steps) > 1 {
			cost.Step = s.number + 1
		}
		r.Steps = append(r.Steps, cost)
		all = append(all, s.samples...)
		calls += s.calls
	}
	r.Cost = costOf(all, calls)
	called := p.vm.Called()
	for _, name := range slices.Sorted(maps.Keys(called)) {
		if n := called[name] - p.calledAtStart[name]; n > 0 {
			r.Functions = append(r.Functions, FunctionCalls{Name: name, PerRequest: float64(n) / float64(p.done)})
		}
	}
	slices.SortStableFunc(r.Functions, func(a, b FunctionCalls) int { return cmp.Compare(b.PerRequest, a.PerRequest) })
	if w := growth(r); w != nil {
		r.Warnings = []finding.Problem{*w}
	}
	return r
}

// growth returns the warning about growing memory.
func growth(r Result) *finding.Problem {
	if r.Memory.BytesPerRequest == 0 {
		return nil
	}
	return &finding.Problem{
		Step: finding.StepLimits, Code: finding.CodeMemoryGrowth,
		Message: fmt.Sprintf("its memory goes on growing: %s of 64 KiB after its start, %d pages after half of %d requests, %d after all of them: %.0f bytes a request",
			pageCount(r.Memory.Start), r.Memory.Half, r.Requests, r.Memory.End, r.Memory.BytesPerRequest),
		Hint: "look for what the filter keeps when a request is over: contexts that proxy_on_delete does not free, maps and lists that only grow",
	}
}
