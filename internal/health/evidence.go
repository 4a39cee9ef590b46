package health

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health/stats"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// risk is the probability that a revision which is as good as the stable one is refused in a wave,
// over all comparisons and looks of the wave together. A rollout has a handful of waves: one false
// alarm in a hundred rollouts is the aim, and the tests and the limits leave a margin beside.
const risk = 0.002

// maxGroups bounds the groups of a wave. A wave with more has unusually mixed Envoys; the groups
// beyond are not compared.
const maxGroups = 16

// evidence are the figures of a wave so far.
type evidence struct {
	limits  spec.Health
	network bool // the filter sees no HTTP requests
	policy  spec.FailurePolicy

	stretches int // how many were added
	look      int // the number of the newest look by statistics; 0: there was none
	all       series
	groups    map[string]*series
	events    Group // since the wave began
}

// add adds a stretch of time.
func (j *evidence) add(all Figures, groups []Group) {
	j.stretches++
	j.all.add(Group{Canary: all})
	for _, g := range groups {
		s := j.groups[g.Key]
		if s == nil && len(j.groups) < maxGroups {
			s = &series{key: g.Key, name: g.Name}
			j.groups[g.Key] = s
		}
		if s != nil {
			s.add(g)
		}
	}
}

// sorted returns the groups in order.
func (j *evidence) sorted() []*series {
	all := make([]*series, 0, len(j.groups))
	for _, s := range j.groups {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *series) int { return cmp.Compare(a.key, b.key) })
	return all
}

// counted compares the figures of which every single event counts.
func (j *evidence) counted() []api.HealthComparison {
	var all []api.HealthComparison
	canary, stable := &j.events.Canary.Sum, &j.events.Stable.Sum
	add := func(name, what string, limit, canary, stable uint64) *api.HealthComparison {
		c := api.HealthComparison{
			Name: name, Canary: float64(canary), Stable: float64(stable), Limit: float64(limit), Outcome: api.HealthGood,
			Message: fmt.Sprintf("%s %s on the Envoys with the revision; at most %s allowed", grouped(canary), what, isOrAre(limit)),
		}
		if canary > limit {
			c.Outcome = api.HealthBad
		}
		all = append(all, c)
		return &all[len(all)-1]
	}
	if l := j.limits.Traps; !l.Off {
		c := add(nameTraps, "requests failed because the filter trapped", l.Max, canary.Traps, stable.Traps)
		if c.Outcome == api.HealthBad && j.trapsElsewhere() {
			c.Outcome = api.HealthUnknown
			c.Message += fmt.Sprintf("; %s on the others, so that another filter can be the cause", grouped(stable.Traps))
		}
	}
	if l := j.limits.Bypassed; !l.Off && j.policy == spec.Open {
		add(nameBypassed, "requests passed without the filter", l.Max, canary.Bypassed, stable.Bypassed)
	}
	for _, name := range slices.Sorted(maps.Keys(j.limits.Metrics)) {
		if l := j.limits.Metrics[name]; !l.IsShare {
			add(metricPrefix+name, "counted by the filter", l.Count, canary.Custom[name], stable.Custom[name])
		}
	}
	return all
}

// trapsElsewhere says whether the Envoys with the stable revision trap about as often. Envoy does
// not tell which filter of a listener has trapped.
func (j *evidence) trapsElsewhere() bool {
	canary, stable := &j.events.Canary, &j.events.Stable
	traps, all := float64(canary.Sum.Traps), float64(canary.Sum.Traps+stable.Sum.Traps)
	if stable.Sum.Traps == 0 || canary.Envoys == 0 || stable.Envoys == 0 {
		return false
	}
	expected := stats.Count{Hits: float64(canary.Envoys), Of: float64(canary.Envoys + stable.Envoys)}
	if canary.Sum.Requests > 0 && stable.Sum.Requests > 0 {
		expected = stats.Count{Hits: float64(canary.Sum.Requests), Of: float64(canary.Sum.Requests + stable.Sum.Requests)}
	}
	low, _ := stats.Wilson(stats.Count{Hits: traps, Of: all}, risk)
	return low <= expected.Share()
}

// stable returns the figures of the stable sides of all groups.
func (j *evidence) stable() (sum Figures) {
	for _, s := range j.sorted() {
		sum.Envoys += s.sum.Stable.Envoys
		sum.Sum.Add(&s.sum.Stable.Sum)
	}
	return sum
}

// lacking says which requests a look needs before it can be good; "": none.
func (j *evidence) lacking() string {
	least := j.limits.MinRequests
	switch canary := j.all.sum.Canary.Sum.Requests; {
	case j.look == 0:
		return "the figures of the first seconds are gathered"
	case j.network:
		return ""
	case canary < least:
		return fmt.Sprintf("the Envoys with the revision have answered %s, and %s are needed", requests(canary), grouped(least))
	}
	if len(j.groups) == 0 {
		return ""
	}
	var most uint64
	for _, s := range j.groups {
		most = max(most, min(s.sum.Canary.Sum.Requests, s.sum.Stable.Sum.Requests))
	}
	if most < least {
		return fmt.Sprintf("the Envoys to compare with have answered %s meanwhile, and %s are needed on each side", requests(most), grouped(least))
	}
	return ""
}

// good is the message of a good look.
func (j *evidence) good() string {
	canary := requests(j.all.sum.Canary.Sum.Requests)
	if len(j.groups) == 0 {
		return canary + " on the Envoys with the revision, within the limits that need no other Envoy: none runs the stable revision and is alike otherwise"
	}
	return fmt.Sprintf("%s on the Envoys with the revision, within the limits beside %s on the others", canary, requests(j.stable().Sum.Requests))
}
