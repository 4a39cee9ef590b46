package health

import (
	"cmp"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/signal"
)

// Envoy is an Envoy that takes part in a rollout.
type Envoy struct {
	signal.Key
	Version string // of Envoy; "": not known
	Cluster string // as the Envoy says
	// Others tells the Envoy's other filters and their revisions: equal texts, equal filters.
	Others string
	Since  time.Time // it runs its revision of the filter since then
}

// Peers are Envoys that differ in nothing but the revision of a filter.
type Peers struct {
	Key            string // tells the peers of a rollout apart
	Name           string // for messages
	Canary, Stable []Envoy
}

// Match finds the peers of the Envoys with a revision among the Envoys with the stable one. Peers
// have the same other filters with the same revisions. They have the same version of Envoy and the
// same cluster, too, if such Envoys are there, or else the same version. An Envoy with the revision
// is in one of the results at most, and in none if it has no peers.
func Match(canaries, stable []Envoy) []Peers {
	stable = without(stable, canaries)
	groups := map[string]*Peers{}
	for _, level := range levels {
		byKey := map[string][]Envoy{}
		for _, e := range stable {
			byKey[level.key(e)] = append(byKey[level.key(e)], e)
		}
		canaries = slices.DeleteFunc(slices.Clone(canaries), func(e Envoy) bool {
			key := level.key(e)
			if len(byKey[key]) == 0 {
				return false
			}
			if groups[key] == nil {
				groups[key] = &Peers{Key: key, Name: level.name(e), Stable: byKey[key]}
			}
			groups[key].Canary = append(groups[key].Canary, e)
			return true
		})
	}
	all := make([]Peers, 0, len(groups))
	for _, p := range groups {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Peers) int { return cmp.Compare(a.Key, b.Key) })
	return all
}

// without leaves out the Envoys with a node id and a host of the others: the reports of the two
// cannot be told apart.
func without(envoys, others []Envoy) []Envoy {
	ids := map[signal.Key]struct{}{}
	for _, e := range others {
		ids[e.Key] = struct{}{}
	}
	return slices.DeleteFunc(slices.Clone(envoys), func(e Envoy) bool {
		_, both := ids[e.Key]
		return both
	})
}

// level is how alike peers are.
type level struct{ key, name func(Envoy) string }

// levels are the most alike first.
var levels = []level{
	{
		func(e Envoy) string { return "a\x00" + e.Version + "\x00" + e.Cluster + "\x00" + e.Others },
		func(e Envoy) string { return versionName(e) + clusterName(e) },
	},
	{func(e Envoy) string { return "b\x00" + e.Version + "\x00" + e.Others }, versionName},
	{func(e Envoy) string { return "c\x00" + e.Others }, func(Envoy) string { return "all versions of Envoy" }},
}

func versionName(e Envoy) string {
	if e.Version == "" {
		return "Envoys without a version"
	}
	return "Envoy " + e.Version
}

func clusterName(e Envoy) string {
	if e.Cluster == "" {
		return ""
	}
	return ", cluster " + e.Cluster
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
