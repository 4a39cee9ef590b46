package delivery

import (
	"cmp"
	"maps"
	"slices"
)

// versionLimit bounds the Envoy versions with verdicts. A fleet has a few versions; further
// versions are made up, or long gone. Above the limit, versionsKept versions without a stream stay.
const (
	versionLimit = 64
	versionsKept = 32
)

// sawVersion notes that an Envoy of the version is connected.
func (m *Machine) sawVersion(envoy string) {
	if _, known := m.versions[envoy]; known {
		m.versions[envoy] = m.now
	}
}

// boundVersions forgets the versions that were not seen for longest, and their verdicts, if there
// are too many versions. Versions with a connected Envoy stay.
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

// forgetVersions forgets the versions without verdicts.
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
