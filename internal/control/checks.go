package control

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Examiner tries filters in the sandbox.
type Examiner interface {
	// Examine returns the findings about s with its module and configuration. A result that
	// arrives after the end of ctx means nothing. The error explains why the module's bytes are
	// missing.
	Examine(ctx context.Context, s *spec.Spec, module snapshot.Module, config *string) (examine.Verdict, *spec.Error)
}

// checkMoment is the time after which a check gives way to other checks.
// See docs/RATIONALE.md#why-does-a-check-give-way-after-half-a-second.
const checkMoment = 500 * time.Millisecond

// Messages of the inbox.
type (
	checkIsSlow struct{ check *check }
	checkEnded  struct {
		check     *check
		verdict   examine.Verdict
		err       *spec.Error
		took      time.Duration
		cancelled bool
	}
)

// startChecks starts checks for as long as there are free places.
func (c *Control) startChecks(ctx context.Context) {
	now := time.Now()
	for k := c.checks.next(now); k != nil; k = c.checks.next(now) {
		c.runCheck(ctx, k)
	}
}

func (c *Control) runCheck(ctx context.Context, k *check) {
	ctx, k.cancel = context.WithCancel(ctx)
	cancel := k.cancel
	c.workers.Go(func() {
		defer cancel()
		timer := time.AfterFunc(checkMoment, func() { c.post(checkIsSlow{k}) })
		defer timer.Stop()
		start := time.Now()
		verdict, err := c.cfg.Examiner.Examine(ctx, k.spec, k.module, k.config)
		c.post(checkEnded{k, verdict, err, time.Since(start), ctx.Err() != nil})
	})
}

func (c *Control) takeSlowCheck(ctx context.Context, k *check) {
	end, publish := c.checks.slow(k)
	if end {
		k.cancel()
	}
	c.startChecks(ctx)
	if publish {
		c.replan(ctx)
	}
}

func (c *Control) takeCheck(ctx context.Context, e checkEnded) {
	var publish bool
	good := !e.cancelled && e.err == nil
	if good && e.verdict.TookTooLong() {
		publish = c.checks.tookTooLong(time.Now(), e.check, e.verdict)
	} else {
		publish = c.checks.ended(e.check, !e.cancelled)
	}
	switch {
	case good:
		if !e.verdict.TookTooLong() {
			c.verdicts.put(e.check.key, e.verdict)
			c.saveVerdictsSoon()
		}
		c.cfg.Metrics.Preflighted(firstCode(e.verdict), e.took)
	case !e.cancelled:
		c.takeResult(ctx, e.check.moduleKey, result{err: e.err})
	}
	c.startChecks(ctx)
	if publish {
		c.replan(ctx)
	}
}

// firstCode returns the code of a verdict's first error; "": no error.
func firstCode(v examine.Verdict) string {
	if len(v.Errors) == 0 {
		return ""
	}
	return v.Errors[0].Code
}

// goOnChecking publishes findings that were gathered for checkHold, and starts checks at the end
// of their pause.
func (c *Control) goOnChecking(ctx context.Context) {
	if c.checks.due(time.Now()) {
		c.replan(ctx)
	}
	if len(c.checks.apart) > 0 {
		c.startChecks(ctx)
	}
}

// judged returns the outcome of a spec with a known module and configuration. missing is a
// check that has to run first; nil: none, or the queue has the check.
func (c *Control) judged(e *entry, m snapshot.Module, config *string) (o outcome, missing *check) {
	s := module.Complete(e.spec, m)
	var v examine.Verdict
	told := &e.told
	if c.cfg.Examiner != nil && examine.Needed(c.cfg.Preflight, s) {
		first := e.verdict == ""
		tried := examine.WithHostEnv(s, c.cfg.HostEnv)
		if first {
			e.verdict = examine.Key(c.cfg.Preflight, tried, m.SHA256, config)
		}
		var known bool
		if v, known = c.verdicts.get(e.verdict); !known {
			k := c.checks.checks[e.verdict]
			switch {
			case k == nil:
				k = &check{key: e.verdict, spec: tried, module: m, config: config, moduleKey: e.module.key}
				return outcome{pending: true, checking: true, fresh: true}, k
			case k.late == nil:
				return outcome{pending: true, checking: true, fresh: k.fresh()}, nil
			}
			v, told, o.again = k.soFar(), &k.told, true
		} else if first {
			c.cfg.Metrics.PreflightKnown()
		}
	}
	o = c.decide(o, s, v, m, config)
	c.tell(told, o)
	if o.filter != nil && !o.again {
		e.done = o
	}
	return o, nil
}

// soFar returns the findings so far, with the time of the next run.
func (k *check) soFar() examine.Verdict {
	if k.tookTooLong < 2 {
		return k.late.TriedAgain("as soon as the sandbox has nothing else to do")
	}
	return k.late.TriedAgain("at " + k.again.Format(time.TimeOnly))
}

// decide adds to o the consequences of the sandbox's findings for the spec.
func (c *Control) decide(o outcome, s *spec.Spec, v examine.Verdict, m snapshot.Module, config *string) outcome {
	findings := v.Warnings
	if c.cfg.Preflight == examine.Warn {
		findings = append(findings[:len(findings):len(findings)], v.Errors...)
	} else if len(v.Errors) > 0 {
		o.err = firstOf(s, v.Errors)
	}
	for _, f := range findings {
		o.warnings = append(o.warnings, f.In(s))
	}
	o.warnings = append(o.warnings, s.Notices(config)...)
	if s.AutoCapabilities {
		auto := *s
		auto.Capabilities = v.Capabilities
		s = &auto
	}
	revision := snapshot.FromSpec(s, m, config)
	if o.err != nil {
		o.refused = revision.ID
		return o
	}
	o.revision = revision
	if c.cfg.Preflight == examine.Enforce {
		o.revision.Refusals = v.Refusals
	}
	o.filter = newFilter(s, o.revision, c.cfg.Delivery)
	return o
}

// firstOf is the first finding as the spec's error. The message counts the remaining findings.
func firstOf(s *spec.Spec, findings []examine.Finding) *spec.Error {
	e := findings[0].In(s)
	if more := len(findings) - 1; more > 0 {
		e.Message += fmt.Sprintf("; %d more: see wasm-xds check", more)
	}
	return e
}

// tell logs the sandbox's findings once.
func (c *Control) tell(told *bool, o outcome) {
	if *told {
		return
	}
	*told = true
	log := func(message string, err *spec.Error) {
		c.cfg.Logger.Warn(message, zap.String("filter", err.Name), zap.String("at", err.Pos.String()),
			zap.String("code", err.Code), zap.String("problem", err.Message), zap.String("hint", err.Hint))
	}
	if o.err != nil {
		log("the sandbox refuses a revision: "+c.meanwhile(o.err.Name), o.err)
	}
	for _, w := range o.warnings {
		log("a warning about a revision", w)
	}
}

// checkingError reports the newest revision as still in the sandbox.
func checkingError(s *spec.Spec) *spec.Error {
	return &spec.Error{
		Code: api.CodePreflightRunning, Name: s.Name, Pos: modulePosition(s),
		Message: "the newest revision is being tried in the sandbox; what was served is served on",
		Hint:    "wait: a module that takes too long is refused",
	}
}
