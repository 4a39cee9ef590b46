package attack

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/test/bench/report"
)

const envoyFact = "envoy"

// The figures of an attack.
const (
	liveFigure   = "edit to live"
	memoryFigure = "memory (RSS) afterwards"
	peakFigure   = "memory (RSS), the most meanwhile"
)

func text(facts report.Facts) report.Text {
	return report.Text{
		Title: "Under attack", Reference: "without the attack",
		Headlines: []report.Headline{
			{Figures: []string{liveFigure}, Goal: report.Goal{Most: 1.5}},
			{Figures: []string{memoryFigure}, Goal: report.Goal{Most: 1.1}},
		},
		Before: []string{
			fmt.Sprintf("A healthy Envoy %s runs a filter of 130 KB, whose module is replaced again and again: with an attack under "+
				"way and without one, in turn. The first figure runs from the rename of the file to the first answer of the new "+
				"filter. The attacker is a process of its own with the lowest priority, and connects from another address of "+
				"loopback. The memory is that of the server. It is taken before the attack, and once more when it has come back "+
				"or after three minutes. `go run -C test ./bench/cmd/bench -only attack`.", facts[envoyFact]),
		},
	}
}
