package health

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health/stats"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Judge judges a revision in a wave of its rollout. Make it with [New]. Not safe for concurrent
// use.
type Judge struct {
	evidence
	verdicts   map[string]verdict // of the newest look, by the name of the measure
	prometheus answers
}

// New returns a judge for a wave of a filter with that type and policy.
func New(limits spec.Health, filter spec.Type, policy spec.FailurePolicy) *Judge {
	return &Judge{
		evidence: evidence{limits: limits, network: filter == spec.Network, policy: policy, groups: map[string]*series{}},
		verdicts: map[string]verdict{},
	}
}

// Add takes the figures of a stretch of time: of all Envoys with the revision, and of the groups in
// which they are compared. Envoys without peers are in no group. Stretches follow one another.
func (j *Judge) Add(all Figures, groups []Group) {
	j.add(all, groups)
	if number := stats.Look(j.stretches); number > 0 {
		j.look = number
		j.compare()
	}
}

// Events takes the figures since the begin of the wave, for the limits on single events: of all
// Envoys with the revision, and of the others.
func (j *Judge) Events(canary, stable Figures) { j.events = Group{Canary: canary, Stable: stable} }

// Answer takes an answer of the Prometheus server that the spec names.
func (j *Judge) Answer(a Answer) { j.prometheus.take(a, j.limits.Prometheus) }

// Look judges the figures so far. lost says which Envoys do not report any more; "": none.
func (j *Judge) Look(now time.Time, lost string) api.RolloutHealth {
	look := api.RolloutHealth{At: now, Comparisons: j.counted()}
	for _, m := range j.measures() {
		look.Comparisons = append(look.Comparisons, j.compared(m))
	}
	if limit := j.limits.Prometheus; limit != nil {
		look.Comparisons = append(look.Comparisons, j.prometheus.comparison(limit))
	}
	look.Outcome, look.Message = j.outcome(look.Comparisons, lost)
	return look
}

// outcome joins the outcomes of the comparisons.
func (j *Judge) outcome(all []api.HealthComparison, lost string) (api.HealthOutcome, string) {
	if bad := having(all, api.HealthBad); bad != "" {
		return api.HealthBad, bad
	}
	if lost != "" {
		return api.HealthSourceLost, lost
	}
	if text := having(all, api.HealthSourceLost); text != "" {
		return api.HealthSourceLost, text
	}
	if text := j.lacking(); text != "" {
		return api.HealthNoEvidence, text
	}
	if text := having(all, api.HealthNoEvidence); text != "" {
		return api.HealthNoEvidence, text
	}
	return api.HealthGood, j.good()
}

// having joins the messages of the comparisons with that outcome.
func having(all []api.HealthComparison, outcome api.HealthOutcome) string {
	text := ""
	for _, c := range all {
		if c.Outcome != outcome {
			continue
		}
		if text != "" {
			text += "; "
		}
		text += c.Name + ": " + c.Message
	}
	return text
}

// compare makes a look at all comparisons that the look schedule allows for.
func (j *Judge) compare() {
	measures, groups := j.measures(), j.sorted()
	alpha := stats.Spend(risk, j.look) / float64(max(1, len(measures)*max(1, len(groups))))
	for _, m := range measures {
		var joined verdict
		if m.relative != nil {
			for _, s := range groups {
				joined.add(m.relative(s, alpha), s)
			}
		}
		if m.absolute != nil {
			joined.add(m.absolute(alpha), &j.all)
		}
		j.verdicts[m.name] = joined
	}
}

// compared shows the newest verdict of a measure.
func (j *Judge) compared(m measure) api.HealthComparison {
	c := shown{api.HealthComparison{Name: m.name, Outcome: api.HealthUnknown}}
	v := j.verdicts[m.name]
	if v.group == nil {
		c.Message = "not compared: no Envoy that runs the stable revision differs in this revision alone"
		if j.look == 0 {
			c.Message = "not compared yet"
		}
		return c.HealthComparison
	}
	m.show(&c, v.group)
	switch v.finding {
	case worse:
		c.Outcome = api.HealthBad
	case undecided:
		c.Outcome = api.HealthNoEvidence
		c.Message += "; it can still be chance"
	case fair:
		c.Outcome = api.HealthGood
	case few:
		if c.Message == "" {
			c.Message = "reported too rarely for a comparison so far"
		} else {
			c.Message += "; these are too few to tell"
		}
		if m.named {
			c.Outcome = api.HealthNoEvidence
		}
	}
	return c.HealthComparison
}
