package page_test

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/admin"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

// The rate of a stretch under way counts the time that its reports span. The charts are as wide as
// the figures, and a figure that was never compared shows no value.
func TestYoungFigures(t *testing.T) {
	w := everything()
	w.figures["auth"] = api.FilterFigures{Name: "auth", Seconds: 10, Canary: api.FiguresSide{Points: []api.FiguresPoint{
		{At: ago(20 * second), Seconds: 10, Requests: 200, P50: 2, P99: 4}, {At: ago(10 * second), Seconds: 3, Requests: 63, P50: 2, P99: 4},
	}}}
	health := w.filters[0].RolloutStatus.Health
	health.Comparisons = append(health.Comparisons, api.HealthComparison{Name: "heap", Outcome: api.HealthUnknown, Message: "not compared yet"})
	server := serve(t, w.handler(admin.Options{}))
	p := open(t, server.URL+"/#/filters/auth", 1280)
	p.waitText("[data-chart=requests]", "21 /s")
	p.waitText("#figures .legend", "the last 2 minutes")
	row := js[string](p, `[...document.querySelectorAll(".health tbody tr")].find((r) => r.innerText.includes("heap")).innerText`)
	if strings.Contains(row, "0") || strings.Count(row, "–") != 3 {
		t.Errorf("the figure without a comparison is %q", row)
	}
	p.screenshot("figures-young")
}
