package control

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/desired"
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
	Examine(ctx context.Context, s *spec.Spec, module snapshot.Module, config *string) (examine.Findings, *spec.Error)
}

// Messages of the inbox.
type (
	checkIsSlow struct{ check *checkqueue.Check }
	checkEnded  struct {
		check     *checkqueue.Check
		verdict   examine.Findings
		err       *spec.Error
		took      time.Duration
		cancelled bool
	}
)

// startChecks starts checks for as long as there are free places.
func (c *Control) startChecks(ctx context.Context) {
	now := time.Now()
	for k := c.checks.Next(now); k != nil; k = c.checks.Next(now) {
		c.runCheck(ctx, k)
	}
}

func (c *Control) runCheck(ctx context.Context, k *checkqueue.Check) {
	ctx, k.Cancel = context.WithCancel(ctx)
	cancel := k.Cancel
	c.workers.Go(func() {
		defer cancel()
		timer := time.AfterFunc(checkqueue.Moment, func() { c.post(checkIsSlow{k}) })
		defer timer.Stop()
		start := time.Now()
		verdict, err := c.cfg.Examiner.Examine(ctx, k.Spec, k.Module, k.Config)
		c.post(checkEnded{k, verdict, err, time.Since(start), ctx.Err() != nil})
	})
}

func (c *Control) takeSlowCheck(ctx context.Context, k *checkqueue.Check) {
	end, publish := c.checks.Slow(k)
	if end {
		k.Cancel()
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
		publish = c.checks.TookTooLong(time.Now(), e.check, e.verdict)
	} else {
		publish = c.checks.Ended(e.check, !e.cancelled)
	}
	switch {
	case good:
		if !e.verdict.TookTooLong() {
			c.findings.Put(e.check.Key, e.verdict)
			c.saveFindingsSoon()
		}
		c.cfg.Metrics.Preflighted(firstCode(e.verdict), e.took)
	case !e.cancelled:
		c.takeResult(ctx, e.check.Read, result{err: e.err})
	}
	c.startChecks(ctx)
	if publish {
		c.replan(ctx)
	}
}

// firstCode returns the code of a verdict's first error; "": no error.
func firstCode(v examine.Findings) string {
	if len(v.Errors) == 0 {
		return ""
	}
	return v.Errors[0].Code
}

// goOnChecking publishes findings that were gathered for checkqueue.PublishEvery, and starts checks at the end
// of their pause.
func (c *Control) goOnChecking(ctx context.Context) {
	if c.checks.Due(time.Now()) {
		c.replan(ctx)
	}
	c.startChecks(ctx)
}

// judged returns the outcome of a spec with a known module and configuration. missing is a
// check that has to run first; nil: none, or the queue has the check.
func (c *Control) judged(e *entry, m snapshot.Module, config *string) (o desired.Outcome, missing *checkqueue.Check) {
	s := module.Complete(e.spec, m)
	var v examine.Findings
	told := &e.told
	e.again = false
	if c.cfg.Examiner != nil && examine.Needed(c.cfg.Preflight, s) {
		first := e.verdict == ""
		tried := examine.WithHostEnv(s, c.cfg.HostEnv)
		if first {
			e.verdict = examine.Key(c.cfg.Preflight, tried, m.SHA256, config)
		}
		var known bool
		if v, known = c.findings.Get(e.verdict); !known {
			k := c.checks.Get(e.verdict)
			if k == nil {
				k = &checkqueue.Check{Key: e.verdict, Spec: tried, Module: m, Config: config, Read: e.module.key}
				return desired.Outcome{Pending: true, Checking: true, Fresh: true}, k
			}
			if v, e.again = k.SoFar(); !e.again {
				return desired.Outcome{Pending: true, Checking: true, Fresh: k.Fresh()}, nil
			}
			told = &k.Told
		} else if first {
			c.cfg.Metrics.PreflightKnown()
		}
	}
	o = c.decide(o, s, v, m, config)
	c.tell(told, o)
	if o.Filter != nil && !e.again {
		e.done = o
	}
	return o, nil
}

// decide adds to o the consequences of the sandbox's findings for the spec.
func (c *Control) decide(o desired.Outcome, s *spec.Spec, v examine.Findings, m snapshot.Module, config *string) desired.Outcome {
	findings := v.Warnings
	if c.cfg.Preflight == examine.Warn {
		findings = append(findings[:len(findings):len(findings)], v.Errors...)
	} else if len(v.Errors) > 0 {
		o.Err = firstOf(s, v.Errors)
	}
	for _, f := range findings {
		o.Warnings = append(o.Warnings, f.In(s))
	}
	o.Warnings = append(o.Warnings, s.Notices(config)...)
	if s.AutoCapabilities {
		auto := *s
		auto.Capabilities = v.Capabilities
		s = &auto
	}
	revision := snapshot.FromSpec(s, m, config)
	if o.Err != nil {
		o.Refused = revision.ID
		return o
	}
	o.Revision = revision
	if c.cfg.Preflight == examine.Enforce {
		o.Revision.Refusals = v.Refusals
	}
	o.Filter = desired.NewFilter(s, o.Revision, c.cfg.Delivery)
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
func (c *Control) tell(told *bool, o desired.Outcome) {
	if *told {
		return
	}
	*told = true
	log := func(message string, err *spec.Error) {
		c.cfg.Logger.Warn(message, zap.String("filter", err.Name), zap.String("at", err.Pos.String()),
			zap.String("code", err.Code), zap.String("problem", err.Message), zap.String("hint", err.Hint))
	}
	if o.Err != nil {
		log("the sandbox refuses a revision: "+c.meanwhile(o.Err.Name), o.Err)
	}
	for _, w := range o.Warnings {
		log("a warning about a revision", w)
	}
}

// checkingError reports the newest revision as still in the sandbox.
func checkingError(s *spec.Spec) *spec.Error {
	return &spec.Error{
		Code: api.CodePreflightRunning, Name: s.Name, Pos: desired.ModulePosition(s),
		Message: "the newest revision is being tried in the sandbox; what was served is served on",
		Hint:    "wait: a module that takes too long is refused",
	}
}
