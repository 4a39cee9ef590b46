package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// foretold says why Envoys of a version do not get r. Either they are too old for a setting of r, or
// the sandbox has found that they would refuse the revision. The sandbox's refusal is as good as a
// NACK, unless an Envoy of the version has answered for r: that answer counts more. nil: no refusal
// is foretold. See docs/RATIONALE.md#how-does-a-finding-for-some-envoy-versions-count.
func (m *Machine) foretold(f *filter, r *snapshot.Revision, envoy string) *Problem {
	if p := f.tooOld(r, envoy); p != nil {
		return p
	}
	refusal := r.RefusalFor(envoy)
	if refusal == nil {
		return nil
	}
	if _, judged := m.verdicts.Of(r, envoy); judged {
		return nil
	}
	return &Problem{Code: refusal.Code, Message: refusal.Message, Hint: refusal.Hint, Revision: r.ID}
}

// tooOld says why Envoys of a version do not get r: they ignore a setting of r, and the spec does
// not accept the loss. nil: they may get r. An ACK proves nothing here, because Envoy ignores the
// setting without an error.
// See docs/RATIONALE.md#why-does-an-old-envoy-not-get-a-filter-with-a-newer-setting.
func (f *filter) tooOld(r *snapshot.Revision, envoy string) *Problem {
	losses := r.Losses(envoy)
	if len(losses) == 0 {
		return nil
	}
	if w := f.wanted; w != nil {
		losses = slices.DeleteFunc(losses, func(l snapshot.Loss) bool { return slices.Contains(w.AcceptLoss, l.Setting) })
	}
	if len(losses) == 0 {
		return nil
	}
	return tooOldProblem(r, envoy, losses)
}

// takers are the groups that r is for. problem says why there are none although Envoys subscribe.
func (m *Machine) takers(f *filter, r *snapshot.Revision) (takers []*group, problem *Problem) {
	groups := f.inOrder()
	if len(r.Refusals) == 0 && !slices.ContainsFunc(groups, func(g *group) bool { return m.refusedIn(g, r) || f.tooOld(r, g.envoy) != nil }) {
		return groups, nil
	}
	for _, g := range groups {
		if p := m.foretold(f, r, g.envoy); p != nil {
			problem = p
			continue
		}
		if v, judged := m.verdictIn(g, r); judged && !v.Loads && m.hasNothingToLose(f, g, r) {
			problem = rejectedProblem(r, g.envoy, v.Message)
			continue
		}
		takers = append(takers, g)
	}
	if len(takers) > 0 {
		problem = nil
	}
	return takers, problem
}
