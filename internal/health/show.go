package health

import (
	"fmt"
	"math"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/health/stats"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// shown is a comparison as the API has it.
type shown struct{ api.HealthComparison }

func (c *shown) showShare(s *series, limit spec.ShareLimit, count func(*Figures) stats.Count) {
	canary, stable := count(&s.sum.Canary), count(&s.sum.Stable)
	c.Unit, c.Canary, c.Stable = unitPercent, 100*canary.Share(), 100*stable.Share()
	c.Limit = 100 * most(limit.Over < 1 && stable.Of > 0, stable.Share()+limit.Over, limit.Max)
	c.Message = fmt.Sprintf("%s of %s on the Envoys with the revision", percent(c.Canary), requests(uint64(canary.Of)))
	if stable.Of > 0 {
		c.Message += fmt.Sprintf(", %s of %s on the others", percent(c.Stable), requests(uint64(stable.Of)))
	}
	c.Message += fmt.Sprintf("; at most %s is allowed%s", percent(c.Limit), s.where())
}

// most returns the smaller of two limits; relative says whether the first counts, and a second of 0
// does not.
func most[T float64](relative bool, over, largest T) T {
	switch {
	case !relative:
		return largest
	case largest > 0:
		return min(over, largest)
	}
	return over
}

func (c *shown) showDelay(s *series, limit spec.DelayLimit, q float64) {
	canary, stable := &s.sum.Canary.Sum.Time, &s.sum.Stable.Sum.Time
	c.Unit, c.Canary, c.Stable = unitMilliseconds, canary.Quantile(q), stable.Quantile(q)
	relative := limit.Over < spec.NoDelayLimit && stable.Count() > 0
	c.Limit = most(relative, c.Stable+allowance(limit, c.Stable), milliseconds(limit.Max))
	c.Message = fmt.Sprintf("%s for %s on the Envoys with the revision", millis(c.Canary), requests(canary.Count()))
	if stable.Count() > 0 {
		c.Message += fmt.Sprintf(", %s for %s on the others", millis(c.Stable), requests(stable.Count()))
	}
	c.Message += fmt.Sprintf("; at most %s is allowed%s", millis(c.Limit), s.where())
}

func (c *shown) showLeak(s *series, of func(*Figures) float64, limit float64) {
	found, grown := findLeak(s, of, limit, 0)
	c.Canary, c.Stable, c.Limit = of(&s.sum.Canary), of(&s.sum.Stable), limit
	text, what := mebibytes, "Envoy's heap"
	c.Unit = unitBytes
	if c.Name == nameMemory {
		text, what = points, "the memory in use"
		c.Unit = unitPercent
	}
	if found == few {
		return
	}
	c.Message = fmt.Sprintf("%s has grown by %s more on the Envoys with the revision than on the others; at most %s is allowed%s",
		what, text(grown), text(limit), s.where())
}

func (c *shown) showMetric(s *series, name string, limit float64) {
	n, of := s.sum.Canary.Sum.Custom[name], s.sum.Canary.Sum.Requests
	c.Unit, c.Canary, c.Limit = unitPercent, 100*stats.Count{Hits: float64(n), Of: float64(of)}.Share(), 100*limit
	c.Message = fmt.Sprintf("%s counted by the filter, which is %s of %s; at most %s is allowed", grouped(n), percent(c.Canary), requests(of), percent(c.Limit))
}

// where is the group's name in a message.
func (s *series) where() string {
	if s.name == "" {
		return ""
	}
	return " (" + s.name + ")"
}

// allowance returns how many milliseconds a quantile may exceed the stable side's.
func allowance(limit spec.DelayLimit, stable float64) float64 {
	return math.Max(milliseconds(limit.Over), limit.OverShare*stable)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
