package report

import (
	"fmt"
	"hash/fnv"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/signal"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Trials returns the waves with looks at their health, and the Envoys on both sides.
func Trials(v *View) []health.Trial {
	var all []health.Trial
	under := v.Machine.Trials()
	if len(under) == 0 {
		return nil
	}
	names := make(map[string]struct{}, len(under))
	for _, t := range under {
		names[t.Filter] = struct{}{}
	}
	envoys := filtersOf(v.Machine, names)
	for _, t := range under {
		f := v.Snapshot.Get(t.Filter)
		if f == nil || t.Health == nil {
			continue
		}
		all = append(all, health.Trial{
			Filter: t.Filter, Revision: t.Revision, Type: f.Type, Policy: f.Policy, Wave: t.Wave, Began: t.Since, Limits: *t.Health,
			Canary: envoys.sides(t.Filter, t.Candidate), Stable: envoys.sides(t.Filter, t.StableSide),
		})
	}
	return all
}

// fleetFilters has the revisions of the Envoys, by stream.
type fleetFilters struct {
	nodes map[delivery.StreamID]delivery.Node
	// rest joins the filters of an Envoy that do not roll out, and trials has the others, by name.
	rest   map[signal.Key]uint64
	trials map[signal.Key]map[string]uint64
}

// filtersOf reads the revisions of all Envoys. names are the filters that roll out.
func filtersOf(m *delivery.Machine, names map[string]struct{}) *fleetFilters {
	all := &fleetFilters{
		nodes: map[delivery.StreamID]delivery.Node{}, rest: map[signal.Key]uint64{}, trials: map[signal.Key]map[string]uint64{},
	}
	for _, id := range m.Streams() {
		var rest uint64
		var trials map[string]uint64
		node, ok := m.Running(id, func(filter, revision string) {
			sum := fingerprint(filter, revision)
			if _, rolls := names[filter]; !rolls {
				rest ^= sum
				return
			}
			if trials == nil {
				trials = map[string]uint64{}
			}
			trials[filter] ^= sum
		})
		if !ok {
			continue
		}
		// Without ADS, an Envoy has a stream for each filter.
		key := signal.Key{Node: node.ID, Host: node.Host}
		all.nodes[id] = node
		all.rest[key] ^= rest
		if all.trials[key] == nil {
			all.trials[key] = trials
			continue
		}
		for name, sum := range trials {
			all.trials[key][name] ^= sum
		}
	}
	return all
}

// sides returns the Envoys of one side of a filter's trial.
func (a *fleetFilters) sides(filter string, envoys []delivery.TrialEnvoy) []health.Envoy {
	side := make([]health.Envoy, 0, len(envoys))
	for _, e := range envoys {
		node := a.nodes[e.Stream]
		key := signal.Key{Node: node.ID, Host: node.Host}
		others := a.rest[key]
		for name, sum := range a.trials[key] {
			if name != filter {
				others ^= sum
			}
		}
		side = append(side, health.Envoy{
			Key: key, Version: e.Envoy, Cluster: node.Cluster, Others: fmt.Sprintf("%x", others), Since: e.Since,
		})
	}
	return side
}

// fingerprint is a number for a filter with a revision.
func fingerprint(filter, revision string) uint64 {
	h := fnv.New64a()
	// Write never fails.
	_, _ = h.Write([]byte(filter + "\x00" + revision))
	return h.Sum64()
}

// Sides returns the Envoys that run the revision on trial of a filter, and those that run the
// stable one, with the two revisions. Without a trial, the first side is empty. false: there is no
// filter.
func Sides(v *View, filter string) (canary, stable Side, isOpen, ok bool) {
	f := v.Snapshot.Get(filter)
	for _, t := range v.Machine.Trials() {
		if t.Filter != filter || f == nil {
			continue
		}
		envoys := filtersOf(v.Machine, map[string]struct{}{filter: {}})
		return Side{t.Revision, envoys.sides(filter, t.Candidate)}, Side{t.Stable, envoys.sides(filter, t.StableSide)}, f.Policy == spec.Open, true
	}
	st, ok := v.Machine.Status(filter)
	if !ok {
		return Side{}, Side{}, false, false
	}
	for _, s := range st.Subscribers {
		e := health.Envoy{Key: signal.Key{Node: s.Node.ID, Host: s.Node.Host}, Version: s.Node.Version, Cluster: s.Node.Cluster, Since: s.Since}
		switch {
		case s.State != delivery.Live:
		case st.Stable != nil && s.Revision == st.Stable.ID:
			stable.Envoys = append(stable.Envoys, e)
		case st.Candidate != nil && s.Revision == st.Candidate.ID:
			canary.Envoys = append(canary.Envoys, e)
		}
	}
	if st.Stable != nil {
		stable.Revision = st.Stable.ID
	}
	if st.Candidate != nil {
		canary.Revision = st.Candidate.ID
	}
	return canary, stable, f != nil && f.Policy == spec.Open, true
}

// Side are the Envoys with a revision.
type Side struct {
	Revision string // "": none
	Envoys   []health.Envoy
}
