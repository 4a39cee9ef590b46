package delivery

import (
	"cmp"
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The reasons for a deny, as the deny's answers give them. Their wording may change: the machine
// recognises a deny by more than the wording.
const (
	reasonUnknown     = "is denied: no spec has this name"
	reasonRemoved     = "is denied: its spec was removed"
	reasonService     = "is no filter but a service, which an Envoy has in its bootstrap"
	reasonWrongType   = "is of another type in its spec than this Envoy asks for"
	reasonNotAllowed  = "is not for this Envoy: its certificate does not give it this name"
	reasonNotSelected = "is not for this Envoy: the spec's `nodes` selects others"
	reasonRefused     = "is not served: Envoy refused it and there is no earlier revision"
	reasonBadSpec     = "is not served: its spec has an error"
	reasonPreparing   = "is not served yet: its module is being fetched"
	reasonCanary      = "is not served yet: it waits for its canary"
	reasonVersion     = "is not served: it does not load on this version of Envoy, and there is no earlier revision"
	reasonTooOld      = "is not served: this Envoy is too old for a setting in its spec, and there is no earlier revision"
)

var denyReasons = []string{
	reasonUnknown, reasonRemoved, reasonService, reasonWrongType, reasonNotAllowed, reasonNotSelected, reasonRefused, reasonBadSpec, reasonPreparing, reasonCanary, reasonVersion,
	reasonTooOld,
}

// choice is the revision a subscriber should run now.
type choice struct {
	revision *snapshot.Revision // nil: nothing can be sent now
	serving  Serving
	unproven bool      // not known to load on this Envoy's version
	until    time.Time // the time of the next look; zero: none
	state    State     // the subscriber's state once revision runs
	problem  *Problem
}

// chooser chooses the revision for a subscriber. It changes nothing.
type chooser struct {
	*step
	cfg     *Config
	replica *replica // nil: the server decides alone
}

// choose is the heart of the machine: the revision this subscriber should run now.
func (e *chooser) choose(u *sub) choice {
	if u.isBarred() {
		return e.notAllowed(u)
	}
	c := e.chooseWanted(u)
	if c.unproven && !e.mayTry(u, c.revision) {
		c = e.untried(u, c.revision)
		if at := u.f.followed.retryAt(u.s.node.ID, e.now); !at.IsZero() && (c.until.IsZero() || at.Before(c.until)) {
			c.until = at
		}
	}
	if w := u.f.wanted; w != nil && w.Removed && c.problem == nil {
		c.problem = keptProblem(w)
	}
	return c
}

// mayTry says whether the Envoy may get a revision that is not proven. With replicas, the fleet's
// record has to name the Envoy.
func (e *chooser) mayTry(u *sub, r *snapshot.Revision) bool {
	return e.replica == nil || e.replica.reached && u.f.followed.names(u.s.node.ID, u.s.node.Version, r.ID, e.now)
}

// untried is the choice for an Envoy that may not get r yet.
func (e *chooser) untried(u *sub, r *snapshot.Revision) choice {
	if u.f.stable != nil && u.f.isCandidate(r) {
		c := e.chooseStable(u, nil)
		if !c.unproven {
			return c
		}
		r = c.revision
	}
	return e.waitForCanary(u, r, u.f.since)
}

func (e *chooser) chooseWanted(u *sub) choice {
	f, w := u.f, u.f.wanted
	switch {
	case w == nil:
		return e.withoutSpec(u)
	case w.Type == spec.Service:
		return e.standIn(u, ServingDeny, reasonService, choice{state: Rejected, problem: &Problem{
			Code: CodeWrongType, Message: "the spec says type service, and a service is no filter: ECDS cannot deliver it",
			Hint: "take the filter out of this Envoy's listener; `wasm-xds bootstrap` prints the bootstrap_extensions for the service",
		}})
	case w.Removed && w.OnRemove == spec.Deny:
		return e.standIn(u, ServingDeny, reasonRemoved, choice{state: Live})
	case w.Removed && w.OnRemove == spec.Passthrough:
		return e.standIn(u, ServingPassthrough, "", choice{state: Live})
	case u.expects() != "" && u.expects() != w.Type:
		return e.byPolicy(u, reasonWrongType, choice{state: Rejected, problem: &Problem{
			Code:    CodeWrongType,
			Message: fmt.Sprintf("the spec says type %s, but this Envoy expects a %s filter", w.Type, u.expects()),
			Hint:    "change `type` in the spec, or type_urls and the filter chain in this Envoy's configuration",
		}})
	case w.Disabled:
		return e.standIn(u, ServingPassthrough, "", choice{state: Live})
	case u.group == nil && !u.selected(): // a member of a group is selected and has the runtime
		return e.byPolicy(u, reasonNotSelected, choice{state: Denied, problem: &Problem{
			Code: CodeNotSelected, Message: "the spec's `nodes` does not select this Envoy",
			Hint: "widen `nodes` in the spec, or take the filter out of this Envoy's configuration",
		}})
	case u.group == nil && w.Revision != nil && !u.s.node.hasRuntime(w.Revision.VM.Runtime):
		return choice{state: Unsupported, problem: &Problem{
			Code:    CodeRuntimeMissing,
			Message: fmt.Sprintf("this Envoy was built without %s: it would refuse every module", w.Revision.VM.Runtime),
			Hint:    "run an Envoy that lists the runtime, or choose another `vm.runtime` in the spec",
		}}
	}
	c := f.candidate()
	if c == nil {
		return e.chooseStable(u, nil)
	}
	problem := u.against(c)
	if problem == nil {
		problem = u.foretold(c)
	}
	switch {
	case problem != nil || f.stoppedBy(c) != nil:
		return e.chooseStable(u, problem)
	case u.tries(c) && (u.runs(c) || !f.isHeld(c, e.now)) && !(u.bare() && f.stable != nil && u.proven(f.stable) && u.refusal(f.stable.ID) == nil):
		return choice{revision: c, serving: ServingFilter, unproven: !u.proven(c), state: Live}
	case f.stable == nil:
		return e.waitForCanary(u, c, f.since)
	default:
		return e.chooseStable(u, nil)
	}
}

// chooseStable takes the newest revision known to load on this Envoy's version.
func (e *chooser) chooseStable(u *sub, problem *Problem) choice {
	f, envoy := u.f, u.s.node.Version
	state := Live
	if problem != nil {
		state = Rejected
	}
	if s := f.stable; s != nil && u.against(s) == nil {
		v, known := u.verdict(s)
		tooOld := u.tooOld(s)
		switch {
		case tooOld != nil && u.runs(s):
			// The Envoy has run s since before the refusal, and keeps it.
			return choice{revision: s, serving: ServingFilter, state: Rejected, problem: cmp.Or(problem, tooOld)}
		case tooOld != nil:
			state, problem = Rejected, cmp.Or(problem, tooOld)
		case known && v.Loads:
			return choice{revision: s, serving: ServingFilter, state: state, problem: problem}
		case known:
			state, problem = Rejected, rejectedProblem(s, envoy, v.Message)
		case u.foretold(s) != nil:
			state, problem = Rejected, u.foretold(s)
		case u.tries(s):
			return choice{revision: s, serving: ServingFilter, unproven: true, state: state, problem: problem}
		default:
			return e.waitForCanary(u, s, e.at(u.joined))
		}
	} else if s != nil {
		state, problem = Rejected, u.against(s)
	}
	if c := f.candidate(); c != nil && u.refusal(c.ID) == nil && u.proven(c) && u.tooOld(c) == nil && f.mayStandIn(c, e.now) {
		// Envoys of another version have stopped the rollout, or it is nearly over. Here the
		// revision loads.
		return choice{revision: c, serving: ServingFilter, state: state, problem: problem}
	}
	for _, r := range f.older {
		if u.refusal(r.ID) == nil && u.proven(r) && u.tooOld(r) == nil && !f.rollout.Stops.Bars(r.ID) && u.s.node.hasRuntime(r.VM.Runtime) {
			return choice{revision: r, serving: ServingFilter, state: state, problem: problem}
		}
	}
	return e.nothingLoads(u, problem)
}

// keep completes the choice for an Envoy that keeps what it runs. Nothing is sent, unless the Envoy
// may have stored refused bytes: the running revision in other bytes replaces those.
func keep(u *sub, c choice) choice {
	r := u.running
	if u.dirty && r != nil && !r.BuiltIn && u.f.find(r.ID) != nil && u.refusal(r.ID) == nil {
		c.revision, c.serving = r, ServingFilter
	}
	return c
}

func (e *chooser) nothingLoads(u *sub, problem *Problem) choice {
	reason := reasonRefused
	if r := u.f.wanted.Revision; r == nil {
		reason = reasonBadSpec
	} else if u.tooOld(r) != nil {
		reason = reasonTooOld
	} else if u.foretold(r) != nil {
		reason = reasonVersion
	}
	if u.f.wanted.Preparing {
		reason = reasonPreparing
	}
	if problem == nil {
		if c := u.f.candidate(); c != nil {
			problem = u.f.stoppedBy(c)
		}
	}
	if problem == nil {
		problem = &Problem{Code: CodeNothingToServe, Message: "there is no revision that could be served", Hint: "see the filter's own error"}
	}
	if u.runsModule() {
		// A revision that may go to no further Envoy, or an unknown one, is better than a stand-in.
		return keep(u, choice{state: Rejected, problem: problem})
	}
	return e.byPolicy(u, reason, choice{state: Rejected, problem: problem})
}

// waitForCanary gives a stand-in to a subscriber that runs nothing and has waited long enough for
// the canary of r.
func (e *chooser) waitForCanary(u *sub, r *snapshot.Revision, since time.Time) choice {
	f := u.f
	problem := &Problem{
		Code: CodeWaitsForCanary, Revision: r.ID, Message: fmt.Sprintf("revision %s waits for its canary", r.ID),
	}
	switch {
	case u.dirty && !u.bare() && !u.runsModule():
		// A freeze has come before the canary's answer: the stand-in in other bytes replaces what
		// the Envoy has refused.
		return e.byPolicy(u, reasonCanary, choice{state: Pending, problem: problem})
	case !u.bare():
		return keep(u, choice{state: Pending, problem: problem, serving: u.serving})
	}
	until := e.at(u.joined)
	if since.After(until) {
		until = since
	}
	if until = until.Add(e.cfg.CanaryWait); e.now.Before(until) {
		return choice{state: Pending, until: until}
	}
	if u.proven(r) && u.refusal(r.ID) == nil && !(f.isCandidate(r) && f.isHeld(r, e.now)) {
		return choice{revision: r, serving: ServingFilter, state: Live}
	}
	return e.byPolicy(u, reasonCanary, choice{state: Pending, problem: problem})
}

// notAllowed is the deny for a client that may not have the filter. The choice does not depend on
// the spec, so the client does not even learn whether there is one.
func (e *chooser) notAllowed(u *sub) choice {
	return e.standIn(u, ServingDeny, reasonNotAllowed, choice{state: Denied, problem: &Problem{
		Code: CodeNotAllowed, Message: "the certificate of this Envoy does not allow the filter: requests are denied",
		Hint: "add the filter to `filters` of a rule in --node-identity-rules, or take the filter out of this Envoy's configuration",
	}})
}

func (e *chooser) withoutSpec(u *sub) choice {
	if u.runsUnknown() && !u.dirty {
		// The state was lost, or this Envoy comes from another control plane. The unknown revision
		// is better than a deny.
		return choice{state: Live, problem: &Problem{
			Code: CodeUnknownFilter, Message: "no spec has this name; this Envoy still runs what it had",
			Hint: "add a spec with this name",
		}}
	}
	return e.standIn(u, ServingDeny, reasonUnknown, choice{state: Denied, problem: &Problem{
		Code: CodeUnknownFilter, Message: "no spec has this name: requests are denied", Hint: "add a spec with this name, or correct the name in this Envoy's configuration",
	}})
}

// byPolicy is the stand-in of the failure policy.
func (e *chooser) byPolicy(u *sub, reason string, c choice) choice {
	if u.f.wanted.Policy == spec.Open {
		if c.state == Denied {
			c.state = Live // nothing is denied: the pass-through serves
		}
		return e.standIn(u, ServingPassthrough, "", c)
	}
	return e.standIn(u, ServingDeny, reason, c)
}

// standIn completes a choice with the stand-in of the type this Envoy asks for.
func (e *chooser) standIn(u *sub, serving Serving, reason string, c choice) choice {
	runtime := u.s.node.runtimeOf()
	if runtime == "" {
		return choice{state: Unsupported, problem: &Problem{
			Code: CodeRuntimeMissing, Message: "this Envoy was built without a Wasm runtime: it would refuse every module",
			Hint: "run an Envoy that has envoy.wasm.runtime.v8",
		}}
	}
	t := u.expects()
	if t == "" && u.f.wanted != nil && u.f.wanted.Type != spec.Service && !u.isBarred() {
		t = u.f.wanted.Type
	}
	if t == "" {
		t = u.f.typeHint
	}
	if t == "" {
		t = spec.HTTP
	}
	if serving == ServingDeny {
		c.revision = e.cfg.Substitutes.Deny(u.f.name, t, reason, runtime)
	} else {
		c.revision = e.cfg.Substitutes.Passthrough(u.f.name, t, runtime)
	}
	c.serving = serving
	if p := u.refusal(c.revision.ID); p != nil {
		// This Envoy refused even the stand-in: there is nothing left to send.
		return choice{state: Rejected, problem: cmp.Or(c.problem, p)}
	}
	return c
}

func keptProblem(w *snapshot.Filter) *Problem {
	if w.OnRemove == spec.Keep {
		return &Problem{Code: CodeKept, Message: "its spec is gone; still served", Hint: "`disabled: true` turns it off"}
	}
	return &Problem{
		Code: CodeKept, Message: fmt.Sprintf("its spec is gone; onRemove: %s", w.OnRemove),
		Hint: "put the spec back to serve the filter again",
	}
}
