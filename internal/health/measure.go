package health

import (
	"maps"
	"math"
	"slices"

	"github.com/wasm-xds/wasm-xds/internal/health/stats"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// measure is a figure that a look judges by statistics.
type measure struct {
	name  string
	named bool // the spec names the limit, so that a look is not good before it is judged
	// relative compares the sides of a group; nil: the spec has no such limit. absolute judges all
	// Envoys with the revision; nil: the same.
	relative func(s *series, alpha float64) finding
	absolute func(alpha float64) finding
	// show fills in the numbers and the message of the comparison, from the group that decided.
	show func(c *shown, s *series)
}

// measures returns the measures that the spec's limits ask for.
func (j *evidence) measures() []measure {
	var all []measure
	if !j.network {
		all = j.addShare(all, nameErrors, j.limits.Errors, errorsOf)
		all = j.addShare(all, nameDenials, j.limits.Denials, denialsOf)
		all = j.addDelay(all, nameP50, j.limits.P50, 0.5)
		all = j.addDelay(all, nameP99, j.limits.P99, 0.99)
	}
	if l := j.limits.Memory; !l.Off && l.Max > 0 {
		all = append(all, j.leak(nameHeap, float64(l.Max), func(f *Figures) float64 { return f.Heap }))
	}
	if l := j.limits.Memory; !l.Off && l.Share > 0 {
		all = append(all, j.leak(nameMemory, 100*l.Share, func(f *Figures) float64 { return f.Memory }))
	}
	for _, name := range slices.Sorted(maps.Keys(j.limits.Metrics)) {
		if limit := j.limits.Metrics[name]; limit.IsShare {
			all = append(all, j.metric(name, limit.Share))
		}
	}
	return all
}

// leak is the measure of memory that grows.
func (j *evidence) leak(name string, limit float64, of func(*Figures) float64) measure {
	return measure{
		name: name, // it is not named: Envoys that report no memory hold nothing up
		relative: func(s *series, alpha float64) finding {
			found, _ := findLeak(s, of, limit, alpha)
			return found
		},
		show: func(c *shown, s *series) { c.showLeak(s, of, limit) },
	}
}

// leastAbove is how many requests beyond a quantile each side needs on average: a quantile from
// fewer is hardly more than one slow request.
const leastAbove = 10

func errorsOf(f *Figures) stats.Count {
	return stats.Count{Hits: float64(f.Sum.Errors5xx), Of: float64(f.Sum.Requests)}
}

func denialsOf(f *Figures) stats.Count {
	return stats.Count{Hits: float64(f.Sum.Denials4xx), Of: float64(f.Sum.Requests)}
}

// addShare adds the measure of a share of the requests.
func (j *evidence) addShare(all []measure, name string, limit spec.ShareLimit, count func(*Figures) stats.Count) []measure {
	if limit.Off {
		return all
	}
	m := measure{name: name, named: limit.Named, show: func(c *shown, s *series) { c.showShare(s, limit, count) }}
	if limit.Over < 1 {
		m.relative = func(s *series, alpha float64) finding {
			return test{pairs: s.pairs(count, count), margin: limit.Over, least: j.limits.MinRequests}.find(alpha)
		}
	}
	if limit.Max > 0 {
		m.absolute = func(alpha float64) finding {
			return test{pairs: j.all.pairs(count, nothing), single: true, margin: limit.Max, least: j.limits.MinRequests}.find(alpha)
		}
	}
	return append(all, m)
}

func nothing(*Figures) stats.Count { return stats.Count{} }

// addDelay adds the measure of a quantile. If the quantile is higher by more than the limit, more
// requests lie above the stable side's quantile plus the limit than lie above the quantile on the
// stable side: a comparison of two shares.
func (j *evidence) addDelay(all []measure, name string, limit spec.DelayLimit, q float64) []measure {
	if limit.Off {
		return all
	}
	least := max(j.limits.MinRequests, uint64(math.Round(leastAbove/(1-q))))
	m := measure{name: name, named: limit.Named, show: func(c *shown, s *series) { c.showDelay(s, limit, q) }}
	if limit.Over < spec.NoDelayLimit {
		m.relative = func(s *series, alpha float64) finding {
			at := s.sum.Stable.Sum.Time.Quantile(q)
			bound := at + allowance(limit, at)
			return test{pairs: s.pairs(above(bound), above(at)), least: least}.find(alpha)
		}
	}
	if limit.Max > 0 {
		m.absolute = func(alpha float64) finding {
			pairs := j.all.pairs(above(milliseconds(limit.Max)), nothing)
			return test{pairs: pairs, single: true, margin: 1 - q, least: least}.find(alpha)
		}
	}
	return append(all, m)
}

// above counts the requests that took longer than a number of milliseconds.
func above(ms float64) func(*Figures) stats.Count {
	return func(f *Figures) stats.Count {
		return stats.Count{Hits: f.Sum.Time.Above(ms), Of: float64(f.Sum.Time.Count())}
	}
}

// metric is the measure of a filter's own counter as a share of the requests.
func (j *evidence) metric(name string, most float64) measure {
	count := func(f *Figures) stats.Count {
		return stats.Count{Hits: float64(f.Sum.Custom[name]), Of: float64(f.Sum.Requests)}
	}
	return measure{
		name: metricPrefix + name, named: true,
		absolute: func(alpha float64) finding {
			return test{pairs: j.all.pairs(count, nothing), single: true, margin: most, least: j.limits.MinRequests}.find(alpha)
		},
		show: func(c *shown, s *series) { c.showMetric(s, name, most) },
	}
}
