package delivery

import "github.com/wasm-xds/wasm-xds/pkg/snapshot"

// promoteByHand continues a rollout without the awaited canaries. Each Envoy version still gets a
// canary, if any Envoy can be asked: an unproven revision goes to a single Envoy first.
func (m *Machine) promoteByHand(e Promoted) {
	f := m.filters[e.Name]
	if f == nil {
		return
	}
	c := m.onTrial(f)
	if c == nil || c.ID != e.Revision || f.isCandidate(c) && m.stoppedBy(f, c) != nil {
		return
	}
	f.suspects.waitNoMore(c.ID)
	if f.isCandidate(c) {
		f.promoted = c.ID
		m.persist = true
		m.passOver(f, c)
	}
	m.rollOut(f)
	m.touchFilter(f)
}

// passOver replaces the canaries that take long.
func (m *Machine) passOver(f *filter, r *snapshot.Revision) {
	for _, g := range f.inOrder() {
		for _, u := range g.subs {
			if u.tries(r) && !u.runs(r) && !m.waitFor(u, r).isUsual(m.now) {
				u.passedOver = true
				g.dropTrials(u)
			}
		}
	}
}

// retry forgets that Envoys refused a revision or were lost with it. The revision is tried again in
// other bytes.
func (m *Machine) retry(e Retried) {
	f := m.filters[e.Name]
	if f == nil {
		return
	}
	m.verdicts.DropRefusals(e.Revision)
	f.suspects.dropRevision(e.Revision)
	for _, u := range f.subs {
		u.passedOver = false
		for id := range u.get().refused {
			if id == e.Revision || f.revision(id) == nil { // a stand-in served in place of the revision
				delete(u.rare.refused, id)
			}
		}
	}
	for _, v := range []Variant{Inline, File} {
		m.newSalt(saltKey{e.Revision, v})
	}
	if f.wanted != nil && f.wanted.Revision != nil && f.wanted.Revision.ID == e.Revision {
		f.since = m.now
	}
	m.persist = true
	m.rollOut(f)
	m.touchFilter(f)
}

// IsRefused says whether an Envoy has refused the filter's revision, or was lost with it. A
// [Retried] tries the revision again.
func (m *Machine) IsRefused(name, revision string) bool {
	f := m.filters[name]
	if f == nil {
		return false
	}
	if m.verdicts.Refused(revision) {
		return true
	}
	for key, of := range f.suspects.all {
		if key.Revision != revision {
			continue
		}
		for _, one := range of.nodes {
			if one.losses > 0 {
				return true
			}
		}
	}
	for _, u := range f.subs {
		if u.refusal(revision) != nil {
			return true
		}
	}
	return false
}
