package rollout

import (
	"maps"
	"time"
)

// absent are the Envoys of the present wave that ran the revision and whose streams have ended.
// They still run the revision, and mostly come back within seconds, so no other Envoy takes their
// place at once: the revision would wander through the fleet. The zero value has none.
// See docs/RATIONALE.md#which-envoys-get-a-candidate-during-a-rollout.
type absent struct {
	nodes map[string]absentee // by node id
	// restored are the Envoys of a former process, by version: their node ids are not known.
	restored map[string]int
	until    time.Time // how long the restored ones are awaited
}

// absentLimit bounds the absent Envoys of a filter.
const absentLimit = 4096

type absentee struct {
	envoy        string
	since, until time.Time
}

// left notes that an Envoy has gone.
func (a *absent) left(node, envoy string, now, until time.Time) {
	if len(a.nodes) >= absentLimit {
		return
	}
	if a.nodes == nil {
		a.nodes = map[string]absentee{}
	}
	a.nodes[node] = absentee{envoy, now, until}
}

// back notes that an Envoy is back. runs says that it runs the revision: only then can it be one of
// the restored ones. back says whether the Envoy was awaited.
func (a *absent) back(node, envoy string, runs bool, now time.Time) bool {
	if one, is := a.nodes[node]; is {
		delete(a.nodes, node)
		return now.Before(one.until)
	}
	if !runs || a.restored[envoy] == 0 {
		return false
	}
	a.restored[envoy]--
	return now.Before(a.until)
}

// awaited is the number of absent Envoys of a version that are still awaited.
func (a *absent) awaited(envoy string, now time.Time) (n int) {
	for _, one := range a.nodes {
		if one.envoy == envoy && now.Before(one.until) {
			n++
		}
	}
	if now.Before(a.until) {
		n += a.restored[envoy]
	}
	return n
}

// next is when the first wait ends; zero: none is awaited.
func (a *absent) next(now time.Time) (at time.Time) {
	for _, one := range a.nodes {
		if now.Before(one.until) && (at.IsZero() || one.until.Before(at)) {
			at = one.until
		}
	}
	if a.awaitsRestored(now) && (at.IsZero() || a.until.Before(at)) {
		return a.until
	}
	return at
}

// waits are the absent Envoys that are awaited, for a status.
func (a *absent) waits(now time.Time) (all []Wait) {
	for node, one := range a.nodes {
		if now.Before(one.until) && len(all) < WaitsShown {
			all = append(all, Wait{Node: node, Envoy: one.envoy, Reason: WaitAway, Since: one.since, Until: one.until})
		}
	}
	SortWaits(all)
	return all
}

// awaitsRestored says whether Envoys of a former process are still awaited.
func (a *absent) awaitsRestored(now time.Time) bool {
	for _, n := range a.restored {
		if n > 0 {
			return now.Before(a.until)
		}
	}
	return false
}

// restore awaits the Envoys of a former process.
func (a *absent) restore(members map[string]int, until time.Time) {
	a.restored, a.until = maps.Clone(members), until
}

// clear awaits nobody any more.
func (a *absent) clear() { *a = absent{} }
