package preflight

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/cause"
	"github.com/wasm-xds/wasm-xds/internal/preflight/finding"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// ProfileOptions bound a profile. The zero value of each field means its default.
type ProfileOptions struct {
	// Requests is the total number of requests, at least one for each step of the tests; 10,000.
	// While memory grows, the profile sends up to sixteen times as many, because a heap with
	// garbage collection may need them to stop growing.
	Requests int
	Time     time.Duration // for all requests; 30 s
	// Progress is called now and then with the number of finished requests and the total; nil: no
	// calls.
	Progress func(done, of int)
}

// ProfileResult is the cost of a filter in the sandbox. Times cover the filter and the host
// functions that it calls, compiled to machine code. Envoy's own part of a request is not included.
type ProfileResult struct {
	Requests int `json:"requests"`
	// CutShort means that the time ran out before the last request.
	CutShort bool          `json:"cutShort"`
	Duration time.Duration `json:"durationNanoseconds"`
	ProfileCost
	Functions []FunctionCalls `json:"functions"` // the called functions, most calls first
	Memory    MemoryGrowth    `json:"memory"`
	Steps     []StepCost      `json:"steps"`
	// Problem has ended the profile, such as a trap in the thousandth request; nil: no problem.
	Problem *finding.Problem `json:"-"`
	// Warnings has memory that keeps growing.
	Warnings []finding.Problem `json:"-"`
}

// ProfileCost is the cost of one request.
type ProfileCost struct {
	Median    time.Duration `json:"medianNanoseconds"`
	P99       time.Duration `json:"p99Nanoseconds"`
	HostCalls float64       `json:"hostCallsPerRequest"`
}

// StepCost is the cost of a step of a test: one request, or one connection.
type StepCost struct {
	Test     string `json:"test"`
	Step     int    `json:"step,omitempty"` // 1-based; 0 if the test has a single step
	Requests int    `json:"requests"`
	ProfileCost
}

// FunctionCalls is the average number of calls of a host function in a request.
type FunctionCalls struct {
	Name       string  `json:"name"` // module.name
	PerRequest float64 `json:"perRequest"`
}

// MemoryGrowth is the linear memory's size, in pages of 64 KiB.
type MemoryGrowth struct {
	Start uint32 `json:"startPages"` // after the filter's start
	Half  uint32 `json:"halfPages"`  // after half of the requests
	End   uint32 `json:"endPages"`
	// BytesPerRequest is the growth over the second half; 0: none.
	BytesPerRequest float64 `json:"bytesPerRequest"`
}

const (
	pageSize        = 64 << 10
	mostExtensions  = 4 // each doubles the number of requests
	progressEvery   = 100 * time.Millisecond
	defaultRequests = 10_000
	defaultTime     = 30 * time.Second
)

// Profile sends the requests of a filter's tests through one VM, again and again. Without tests it
// sends a plain request of the filter's type. The module must have passed the check. When ctx ends,
// Profile returns a shortened result.
func Profile(ctx context.Context, r Request, tests []spec.Test, o ProfileOptions) ProfileResult {
	o.Requests, o.Time = cmp.Or(o.Requests, defaultRequests), cmp.Or(o.Time, defaultTime)
	p, problem := newProfiler(ctx, r, tests, Compiler)
	if problem != nil {
		return ProfileResult{Problem: problem}
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
		memory.BytesPerRequest = float64(grown) * pageSize / float64(p.done-half)
	}
	return p.result(memory)
}

// profiler sends the steps of tests through one VM, in turn.
type profiler struct {
	vm       *VM
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

func newProfiler(ctx context.Context, r Request, tests []spec.Test, e Engine) (*profiler, *finding.Problem) {
	vm, problems, err := loadOn(ctx, r, e)
	if err != nil {
		p := finding.Problem{Step: finding.StepStart, Code: finding.CodeStart, Message: err.Error()}
		if len(problems) > 0 {
			p = problems[0]
		}
		return nil, &p
	}
	now := time.Now()
	p := &profiler{vm: vm, begun: now, told: now}
	p.atStart, p.calledAtStart = p.pages(), map[string]uint64{}
	for name, n := range vm.host.called {
		p.calledAtStart[name] = *n
	}
	if len(tests) == 0 {
		tests = []spec.Test{Plain(r.Type)}
	}
	for i := range tests {
		for number := range tests[i].Steps {
			p.steps = append(p.steps, &profiledStep{test: &tests[i], number: number})
		}
	}
	return p, nil
}

func (p *profiler) close(ctx context.Context) { _ = p.vm.Close(ctx) } // the VM is empty

func (p *profiler) pages() uint32 { return p.vm.MemorySize() / pageSize }

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
	h := p.vm.host
	if s.number == 0 {
		p.restore = p.vm.overlay(s.test.Shared)
	}
	if s.number == len(s.test.Steps)-1 {
		defer p.restore()
	}
	spent, calls := h.spent, h.totalCalls()
	_, err := sender{vm: p.vm, fail: func(string, string, string) {}}.send(ctx, &s.test.Steps[s.number])
	p.done++
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		p.problem = asProblem(h, err)
		told := cause.With(*p.problem)
		told.Message = fmt.Sprintf("request %d of %q, on one VM: %s%s", p.done, s.test.Name, told.Message, h.missedWords())
		p.problem = &told
		return
	}
	p.vm.Logs() // drops the logs, which would take memory
	s.samples = append(s.samples, h.spent-spent)
	s.calls += h.totalCalls() - calls
}

// overlay sets shared data, and returns a function that restores the earlier data.
func (vm *VM) overlay(shared map[string]string) (restore func()) {
	before := map[string]sharedValue{}
	for key, value := range shared {
		if old, ok := vm.host.state.shared[key]; ok {
			before[key] = old
		}
		vm.SetShared(key, []byte(value))
	}
	return func() {
		for key := range shared {
			if old, ok := before[key]; ok {
				vm.SetShared(key, old.value)
				vm.host.state.shared[key] = old // with its version
			} else {
				vm.host.removeShared(key)
			}
		}
	}
}

func (h *host) totalCalls() uint64 {
	total := uint64(0)
	for _, n := range h.called {
		total += *n
	}
	return total
}

func (p *profiler) result(memory MemoryGrowth) ProfileResult {
	r := ProfileResult{
		Requests: p.done, CutShort: p.cut, Duration: time.Since(p.begun), Memory: memory, Problem: p.problem,
		Functions: []FunctionCalls{}, Steps: []StepCost{},
	}
	var all []time.Duration
	calls := uint64(0)
	for _, s := range p.steps {
		cost := StepCost{Test: s.test.Name, Requests: len(s.samples), ProfileCost: costOf(s.samples, s.calls)}
		if len(s.test.Steps) > 1 {
			cost.Step = s.number + 1
		}
		r.Steps = append(r.Steps, cost)
		all = append(all, s.samples...)
		calls += s.calls
	}
	r.ProfileCost = costOf(all, calls)
	for _, name := range slices.Sorted(maps.Keys(p.vm.host.called)) {
		if n := *p.vm.host.called[name] - p.calledAtStart[name]; n > 0 {
			r.Functions = append(r.Functions, FunctionCalls{Name: name, PerRequest: float64(n) / float64(p.done)})
		}
	}
	slices.SortStableFunc(r.Functions, func(a, b FunctionCalls) int { return cmp.Compare(b.PerRequest, a.PerRequest) })
	if w := growth(r); w != nil {
		r.Warnings = []finding.Problem{*w}
	}
	return r
}

func costOf(samples []time.Duration, calls uint64) ProfileCost {
	if len(samples) == 0 {
		return ProfileCost{}
	}
	sorted := slices.Sorted(slices.Values(samples))
	at := func(share float64) time.Duration {
		return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
	}
	return ProfileCost{Median: at(0.5), P99: at(0.99), HostCalls: float64(calls) / float64(len(sorted))}
}

// growth returns the warning about memory that keeps growing.
func growth(r ProfileResult) *finding.Problem {
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

func pageCount(n uint32) string {
	if n == 1 {
		return "1 page"
	}
	return fmt.Sprintf("%d pages", n)
}
