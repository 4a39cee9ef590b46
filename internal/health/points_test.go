package health_test

import (
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/health"
	"github.com/wasm-xds/wasm-xds/internal/signal"
)

// spans has the spans of all Envoys.
type spans []signal.Span

func (s spans) Spans(_ signal.Key, _ string, from, to time.Time) (all []signal.Span) {
	for _, one := range s {
		if !one.Start.Before(from) && !one.End.After(to) {
			all = append(all, one)
		}
	}
	return all
}

func span(from, to float64, requests uint64) signal.Span {
	f := figures(requests, requests/10)
	f.Bypassed = 5
	return signal.Span{Start: second(from), End: second(to), Figures: f}
}

// TestPoints shows every request is in exactly one point, however long the reports are.
func TestPoints(t *testing.T) {
	all := spans{span(-895, -800, 951), span(-20, -10.5, 100), span(-10.5, -1, 100), span(-1, -0.5, 7)}
	two := []health.Envoy{envoy("a", "", second(-2000)), envoy("b", "", second(-2000))}
	side := health.Points(began, "auth", "b", true, two, all)
	if side.Envoys != 2 || side.Reporting != 2 || side.Revision != "b" {
		t.Errorf("%+v", side)
	}
	var sum, failed uint64
	last := time.Time{}
	for _, p := range side.Points {
		if !p.At.After(last) || p.At.Sub(began) > health.PointsEvery {
			t.Errorf("a point is at %v", p.At)
		}
		last = p.At
		sum += p.Requests
		if rate := float64(p.Requests) / p.Seconds; rate < 18 || rate > 30 {
			t.Errorf("%v: %d requests in %v seconds", p.At, p.Requests, p.Seconds)
		}
		failed += p.Errors
		if p.P50 < 1.9 || p.P50 > 2.3 || p.P99 < p.P50 {
			t.Errorf("the times are %v and %v", p.P50, p.P99)
		}
	}
	if sum != 2*1158 || failed != 2*115 {
		t.Errorf("the points have %d requests and %d errors", sum, failed)
	}
	if len(side.Points) < 11 || len(side.Points) > 14 {
		t.Errorf("%d points", len(side.Points))
	}
	// An Envoy counts since it has had the revision.
	side = health.Points(began, "auth", "b", false, []health.Envoy{envoy("a", "", second(-15))}, all)
	if len(side.Points) != 1 || side.Points[0].Requests != 107 || side.Points[0].Bypassed != 0 {
		t.Errorf("%+v", side)
	}
	if side := health.Points(began, "auth", "", true, nil, all); side.Points == nil || len(side.Points) > 0 {
		t.Errorf("without Envoys: %+v", side)
	}
	many := make([]health.Envoy, 5000)
	if side := health.Points(began, "auth", "b", true, many, all); side.Envoys != 5000 || side.Reporting != 500 {
		t.Errorf("of 5,000 Envoys: %d and %d", side.Envoys, side.Reporting)
	}
}
