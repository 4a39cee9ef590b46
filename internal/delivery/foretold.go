package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// foretold says why Envoys of a version do not get r: the sandbox has found that they would refuse
// the revision. A foretold refusal is as good as a NACK, unless an Envoy of the version has
// answered for r: that answer counts more. nil: no refusal is foretold.
// See docs/RATIONALE.md#how-does-a-finding-for-some-envoy-versions-count.
func (m *Machine) foretold(r *snapshot.Revision, envoy string) *Problem {
	refusal := r.RefusalFor(envoy)
	if refusal == nil {
		return nil
	}
	if _, judged := m.verdict(r, envoy); judged {
		return nil
	}
	return &Problem{Code: refusal.Code, Message: refusal.Message, Hint: refusal.Hint, Revision: r.ID}
}

// takers are the groups that r is for. problem says why there are none although Envoys subscribe.
func (m *Machine) takers(f *filter, r *snapshot.Revision) (takers []*group, problem *Problem) {
	groups := f.inOrder()
	if len(r.Refusals) == 0 && !slices.ContainsFunc(groups, func(g *group) bool { return m.refusedIn(g, r) }) {
		return groups, nil
	}
	for _, g := range groups {
		if p := m.foretold(r, g.envoy); p != nil {
			problem = p
			continue
		}
		if v, judged := m.verdictIn(g, r); judged && !v.loads && m.hasNothingToLose(f, g, r) {
			problem = rejectedProblem(r, g.envoy, v.message)
			continue
		}
		takers = append(takers, g)
	}
	if len(takers) > 0 {
		problem = nil
	}
	return takers, problem
}
