package spec

import "slices"

// NodeSelector selects Envoys. All keys that are set must match; a key matches if any of its values
// does. The zero value selects every Envoy.
type NodeSelector struct {
	IDs      []string
	Clusters []string
	Metadata map[string]string // compared with the node's metadata as text
}

// Empty reports whether s has no keys, and therefore selects every Envoy.
func (s NodeSelector) Empty() bool {
	return len(s.IDs) == 0 && len(s.Clusters) == 0 && len(s.Metadata) == 0
}

// Matches reports whether s selects an Envoy with this node id, cluster and metadata (its top-level
// values as text). Every key of s must match, and every key of Metadata. IDs and Clusters match if
// any of their values does.
func (s NodeSelector) Matches(id, cluster string, metadata map[string]string) bool {
	if s.Empty() {
		return true
	}
	if len(s.IDs) > 0 && !slices.Contains(s.IDs, id) {
		return false
	}
	if len(s.Clusters) > 0 && !slices.Contains(s.Clusters, cluster) {
		return false
	}
	for key, want := range s.Metadata {
		if got, ok := metadata[key]; !ok || got != want {
			return false
		}
	}
	return true
}
