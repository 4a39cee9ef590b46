package delivery

import (
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/ledger"
)

// peers are the other replicas of the fleet, as they tell about themselves.
type peers struct {
	all map[string]*peer // by name
}

type peer struct {
	presence ledger.Presence
	counts   map[countKey]*ledger.Count
}

// countKey names a [ledger.Count].
type countKey struct{ filter, revision, envoy string }

func newPeers() *peers { return &peers{all: map[string]*peer{}} }

// take takes a presence, and returns the names of the filters that the replica told about before or
// tells about now.
func (p *peers) take(presence ledger.Presence, gone bool) (filters []string) {
	note := func(of *peer) {
		if of == nil {
			return
		}
		for key := range of.counts {
			if !slices.Contains(filters, key.filter) {
				filters = append(filters, key.filter)
			}
		}
	}
	note(p.all[presence.Replica])
	if gone {
		delete(p.all, presence.Replica)
	} else {
		one := &peer{presence: presence, counts: map[countKey]*ledger.Count{}}
		for i := range presence.Counts {
			c := &presence.Counts[i]
			one.counts[countKey{c.Filter, c.Revision, c.Envoy}] = c
		}
		p.all[presence.Replica] = one
		note(one)
	}
	slices.Sort(filters)
	return filters
}

// has says whether a replica is present.
func (p *peers) has(replica string) bool { return p.all[replica] != nil }

// haveSeen says whether all replicas have carried out a write.
func (p *peers) haveSeen(mod int64) bool {
	for _, one := range p.all {
		if one.presence.Seen < mod {
			return false
		}
	}
	return true
}

// names are the names of the replicas, sorted.
func (p *peers) names() []string { return sortedKeys(p.all) }

// count is the report of a replica about the Envoys of a version; nil: it has none.
func (p *peers) count(replica, filter, revision, envoy string) *ledger.Count {
	return p.all[replica].counts[countKey{filter, revision, envoy}]
}

// envoys adds the versions of the replicas' Envoys to a set.
func (p *peers) envoys(filter, revision string, all map[string]struct{}) {
	for _, one := range p.all {
		for key := range one.counts {
			if key.filter == filter && key.revision == revision {
				all[key.envoy] = struct{}{}
			}
		}
	}
}

// isNamed says whether a replica has the named canary of a revision.
func (p *peers) isNamed(filter, revision, envoy, node string) bool {
	for _, one := range p.all {
		if c := one.counts[countKey{filter, revision, envoy}]; c != nil && c.Named == node {
			return true
		}
	}
	return false
}

// tellsOf says whether a replica tells about a filter.
func (p *peers) tellsOf(filter string) bool {
	for _, one := range p.all {
		for key := range one.counts {
			if key.filter == filter {
				return true
			}
		}
	}
	return false
}
