package health

import (
	"math"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/signal"
)

const (
	// PointsEvery is the time between two points, and pointsFor the time that all points span.
	PointsEvery = 10 * time.Second
	pointsFor   = 15 * time.Minute
	// mostInPoints bounds the Envoys in the points. Of more Envoys, some are taken
	// at equal distances: a chart of 500 Envoys looks like the chart of 5,000.
	mostInPoints = 500
)

// Spans are the reports of Envoys, as [signal.Store] keeps them.
type Spans interface {
	Spans(key signal.Key, filter string, from, to time.Time) []signal.Span
}

// Points returns the figures of the last minutes of the Envoys with a revision of a filter.
// isOpen says the filter's policy is open. Without reports, from is nil.
func Points(now time.Time, filter, revision string, isOpen bool, envoys []Envoy, from Spans) api.FiguresSide {
	side := api.FiguresSide{Revision: revision, Envoys: len(envoys), Points: []api.FiguresPoint{}}
	if from == nil {
		return side
	}
	first := now.Add(-pointsFor).Truncate(PointsEvery)
	sums := make([]stretch, int(pointsFor/PointsEvery)+2)
	step := max(1, (len(envoys)+mostInPoints-1)/mostInPoints)
	for i := 0; i < len(envoys); i += step {
		e := envoys[i]
		spans := from.Spans(e.Key, filter, later(e.Since, first), now)
		if len(spans) > 0 {
			side.Reporting++
		}
		for _, s := range spans {
			spread(sums, first, &s)
		}
	}
	for i := range sums {
		f := &sums[i]
		if f.Requests == 0 && f.Traps == 0 && f.Memory == 0 {
			continue
		}
		p := api.FiguresPoint{
			At: first.Add(time.Duration(i+1) * PointsEvery), Requests: f.Requests, Errors: f.Errors5xx, Denials: f.Denials4xx,
			P50: f.Time.Quantile(0.5), P99: f.Time.Quantile(0.99), Traps: f.Traps,
			Seconds: math.Round(10*f.covered.Seconds()/float64(side.Reporting)) / 10,
		}
		if isOpen {
			p.Bypassed = f.Bypassed
		}
		side.Points = append(side.Points, p)
	}
	return side
}

// stretch has the figures of a stretch of time. covered is the time that the reports of all Envoys
// span together: a stretch under way has only a part of its reports.
type stretch struct {
	signal.Figures
	covered time.Duration
}

// spread adds a span to the sums of the stretches that it overlaps, evenly. The figures of long ago
// are in few long spans.
func spread(sums []stretch, first time.Time, s *signal.Span) {
	place := func(t time.Time) int { return min(max(0, int(t.Sub(first)/PointsEvery)), len(sums)-1) }
	from, to := place(s.Start), place(s.End.Add(-time.Millisecond))
	if from < to && s.End.Sub(s.Start) <= 2*PointsEvery {
		from = to // a single report: Envoys report at any moment of a stretch
	}
	from = min(from, to)
	n := uint64(to - from + 1)
	for i := range n {
		part := func(all uint64) uint64 { return all*(i+1)/n - all*i/n }
		sum := &sums[from+int(i)]
		sum.covered += s.End.Sub(s.Start) / time.Duration(n)
		sum.Requests += part(s.Requests)
		sum.Errors5xx += part(s.Errors5xx)
		sum.Denials4xx += part(s.Denials4xx)
		sum.Traps += part(s.Traps)
		sum.Bypassed += part(s.Bypassed)
		sum.Memory = max(sum.Memory, s.Memory, 1) // a stretch with a report has a point
		sum.Time.Add(&s.Time)
	}
}
