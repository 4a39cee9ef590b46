package health

import (
	"fmt"
	"math"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Answer is the answer of a Prometheus server to the question of a spec.
type Answer struct {
	Err     string    // why there is no answer, for people; "": there is one
	Samples []float64 // the values of the answer
}

// answersOver is how many answers in a row must exceed the limit. A single one can come from a
// scrape that failed halfway.
const answersOver = 2

// answers are the answers of the Prometheus server so far.
type answers struct {
	some  bool
	last  Answer
	value float64 // the largest sample of last
	over  int     // answers beyond the limit in a row
}

func (a *answers) take(one Answer, limit *spec.PrometheusLimit) {
	a.some, a.last, a.value = true, one, math.NaN()
	for _, v := range one.Samples {
		if !math.IsNaN(v) && !(v <= a.value) {
			a.value = v
		}
	}
	switch {
	case one.Err != "" || math.IsNaN(a.value): // tells nothing about the limit
	case a.value > limit.Max:
		a.over++
	default:
		a.over = 0
	}
}

func (a *answers) comparison(limit *spec.PrometheusLimit) api.HealthComparison {
	c := api.HealthComparison{Name: namePrometheus, Limit: limit.Max, Outcome: api.HealthNoEvidence}
	switch {
	case !a.some:
		c.Message = "the server has not been asked yet"
	case a.last.Err != "":
		c.Outcome, c.Message = api.HealthSourceLost, a.last.Err
	case math.IsNaN(a.value):
		c.Message = "the answer to the query has no sample"
	default:
		c.Canary = a.value
		c.Message = fmt.Sprintf("the query gives %s; at most %s is allowed", short(a.value), short(limit.Max))
		switch {
		case a.over >= answersOver:
			c.Outcome = api.HealthBad
		case a.over > 0:
			c.Message += "; it is asked once more"
		default:
			c.Outcome = api.HealthGood
		}
	}
	return c
}
