// Package health counts the false alarms of rollouts: good revisions that are refused because of
// the noise of real Envoys. The reference is a plain comparison without the tests of wasm-xds.
package health

import (
	"context"
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// Benchmark counts false alarms.
func Benchmark() suite.Benchmark {
	return suite.Benchmark{Name: "health", Text: text, Run: run}
}

// The figures.
const (
	recorded = "refused of 100 good rollouts, on recorded noise (seeds 1 to 100)"
	live     = "refused of good rollouts on real Envoys"
)

func run(ctx context.Context, o suite.Options) (m report.Measured, err error) {
	length, edits := 100*time.Second, 10
	if o.Quick {
		length, edits = 25*time.Second, 1
	}
	o.Logf("health: the noise of two Envoys for %s", length)
	var noise []second
	if err := o.Do(ctx, "health", func(t harness.TB) (err error) { noise, err = record(t, length); return err }); err != nil {
		return m, err
	}
	ours, plain := 0, 0
	for seed := range uint64(rollouts) {
		a, b, why := rollout(noise, seed+1)
		if a {
			ours++
			o.Logf("health: seed %d was refused: %s", seed+1, why)
		}
		if b {
			plain++
		}
	}
	o.Logf("health: %d of %d rollouts were refused, and %d by the plain comparison", ours, rollouts, plain)
	refused := 0
	o.Logf("health: %d rollouts on real Envoys", edits)
	if err := o.Do(ctx, "health", func(t harness.TB) (err error) { refused, err = onEnvoys(t, edits); return err }); err != nil {
		return m, err
	}
	m.Facts = report.Facts{"edits": fmt.Sprint(edits), "length": length.String()}
	m.Tables = []report.Table{{Rows: []report.Row{
		report.NewRow(recorded, report.Count, []float64{float64(ours)}, []float64{float64(plain)}),
		report.NewRow(live, report.Count, []float64{float64(refused)}, nil),
	}}}
	return m, nil
}

func text(f report.Facts) report.Text {
	edits, length := f["edits"], f["length"]
	if edits == "" {
		edits, length = "10", "1m40s"
	}
	return report.Text{
		Title: "False alarms", Reference: "plain comparison",
		Headlines: []report.Headline{
			{Figures: []string{recorded}, Goal: report.Goal{Most: 1, Absolute: true}},
			{Figures: []string{live}, Goal: report.Goal{Most: 1, Absolute: true}},
		},
		Before: []string{
			"Good revisions roll out with `rollout.health`, and the figure is the number of those that " +
				"wasm-xds refuses. An upstream makes the noise: its times vary, and every few seconds it " +
				"fails a tenth of the requests of one Envoy for a moment, or takes ten times as long. Two " +
				"Envoys, 1.36.4 and 1.40.0, report for " + length + " under 100 requests a second each. A rollout " +
				"has three waves of 30 s. Each wave draws blocks of ten seconds from the recording, the same " +
				"seconds for both sides, and either Envoy may be the canary. The seeds are 1 to 100. " +
				"`go run -C test ./bench/cmd/bench -only health`.",
			"The reference judges the same figures each second as a dashboard's alert would: a rollout is " +
				"refused as soon as the share of 5xx, or p50 or p99, of the canary exceeds the other side's " +
				"by the limit.",
			"The second figure is of " + edits + " rollouts of good revisions through the whole server, on four real " +
				"Envoys of both versions with the same upstream.",
		},
	}
}
