package delivery

import "github.com/wasm-xds/wasm-xds/pkg/snapshot"

// verdict is a refusal or a success, kept for a revision and an Envoy version.
// See docs/RATIONALE.md#why-are-verdicts-kept-for-a-revision-and-an-envoy-version.
type verdict struct {
	loads   bool
	message string
}

type verdictKey struct{ revision, envoy string }

func (m *Machine) verdict(r *snapshot.Revision, envoy string) (verdict, bool) {
	if r.BuiltIn {
		return verdict{loads: true}, true
	}
	v, ok := m.verdicts[verdictKey{r.ID, envoy}]
	return v, ok
}

func (m *Machine) proven(r *snapshot.Revision, envoy string) bool {
	v, ok := m.verdict(r, envoy)
	return ok && v.loads
}

func (m *Machine) setVerdict(r *snapshot.Revision, envoy string, v verdict) {
	if r.BuiltIn {
		return
	}
	key := verdictKey{r.ID, envoy}
	if old, ok := m.verdicts[key]; ok && old == v {
		return
	}
	m.verdicts[key] = v
	m.verdictChanges++
	m.versions[envoy] = m.now
	m.boundVersions()
	m.persist = true
}

// lookup caches a verdict for a group. All subscribers of a group ask for the same few verdicts.
type lookup struct {
	of    *snapshot.Revision
	at    uint64 // Machine.verdictChanges
	v     verdict
	known bool
}

// verdictIn is the verdict for the group's Envoy version.
func (m *Machine) verdictIn(g *group, r *snapshot.Revision) (verdict, bool) {
	for i := range g.lookups {
		if l := &g.lookups[i]; l.of == r && l.at == m.verdictChanges {
			return l.v, l.known
		}
	}
	v, known := m.verdict(r, g.envoy)
	g.lookups[1], g.lookups[0] = g.lookups[0], lookup{r, m.verdictChanges, v, known}
	return v, known
}

// verdictOf is the verdict for the subscriber's Envoy version.
func (m *Machine) verdictOf(u *sub, r *snapshot.Revision) (verdict, bool) {
	if u.group != nil {
		return m.verdictIn(u.group, r)
	}
	return m.verdict(r, u.s.node.Version)
}

func (m *Machine) provenOn(u *sub, r *snapshot.Revision) bool {
	v, ok := m.verdictOf(u, r)
	return ok && v.loads
}
