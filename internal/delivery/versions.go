package delivery

import (
	"cmp"
	"maps"
	"slices"
)

// versionLimit bounds the versions of Envoy whose verdicts are kept. A fleet has a few; more are made up, or
// long gone. When there are more, versionsKept of those that no stream has stay.
const (
	versionLimit = 64
	versionsKept = 32
)

// sawVersion notes that an Envoy of the version is there.
func (m *Machine) sawVersion(envoy string) {
	if _, known := m.versions[envoy]; known {
		m.versions[envoy] = m.now
	}
}

// boundVersions forgets the versions that were not seen for longest, with what was said of them, where
// there are too many. Of those that are connected none goes.
func (m *Machine) boundVersions() {
	if len(m.versions) <= versionLimit {
		return
	}
	connected := map[string]struct{}{}
	for _, s := range m.streams {
		connected[s.node.Version] = struct{}{}
	}
	away := slices.DeleteFunc(sortedKeys(m.versions), func(envoy string) bool { _, there := connected[envoy]; return there })
	slices.SortStableFunc(away, func(a, b string) int {
		return cmp.Or(m.versions[b].Compare(m.versions[a]), cmp.Compare(a, b))
	})
	for _, envoy := range away[min(versionsKept, len(away)):] {
		delete(m.versions, envoy)
	}
	maps.DeleteFunc(m.verdicts, func(k verdictKey, _ verdict) bool { _, known := m.versions[k.envoy]; return !known })
	m.verdictChanges++
}

// forgetVersions forgets the versions that nothing is said of any more.
func (m *Machine) forgetVersions() {
	judged := map[string]struct{}{}
	for key := range m.verdicts {
		judged[key.envoy] = struct{}{}
	}
	for envoy := range m.versions {
		if _, ok := judged[envoy]; !ok {
			delete(m.versions, envoy)
		}
	}
}
