package delivery

import (
	"github.com/wasm-xds/wasm-xds/internal/delivery/verdict"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

func (m *Machine) setVerdict(r *snapshot.Revision, envoy string, v verdict.Verdict) {
	if m.verdicts.Set(r, envoy, v, m.now, m.connected) {
		m.persist = true
	}
}

// connected are the versions of the connected Envoys.
func (m *Machine) connected() map[string]struct{} {
	all := map[string]struct{}{}
	for _, s := range m.streams {
		all[s.node.Version] = struct{}{}
	}
	return all
}

// verdictIn is the verdict for the group's Envoy version.
func (m *Machine) verdictIn(g *group, r *snapshot.Revision) (verdict.Verdict, bool) {
	return g.lookups.Of(m.verdicts, r, g.envoy)
}

// verdictOf is the verdict for the subscriber's Envoy version.
func (m *Machine) verdictOf(u *sub, r *snapshot.Revision) (verdict.Verdict, bool) {
	if u.group != nil {
		return m.verdictIn(u.group, r)
	}
	return m.verdicts.Of(r, u.s.node.Version)
}

func (m *Machine) provenOn(u *sub, r *snapshot.Revision) bool {
	v, ok := m.verdictOf(u, r)
	return ok && v.Loads
}
