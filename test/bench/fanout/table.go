package fanout

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/test/bench/report"
)

func section() report.Section {
	return report.Section{
		Name: "fanout", Title: "Fan-out", Reference: "plain go-control-plane",
		Before: []string{
			"Simulated Envoys (`test/simenvoy`), each with a gRPC connection of its own, get one edited filter. " +
				"Beside wasm-xds stands a plain go-control-plane server: a LinearCache with the same resources. Both are " +
				"processes of their own with all Envoys connected, and take turns. `make bench`, or " +
				"`go run ./test/bench/cmd/bench -only fanout`.",
			report.Machine(),
		},
	}
}

func table(c Case, us, them samples) report.Table {
	t := report.Table{Title: fmt.Sprintf("%d Envoys, %s, %d filters", c.Clients, c.Mode, c.Filters)}
	add := func(figure string, unit report.Unit, ours, reference []float64, goal string) {
		t.Rows = append(t.Rows, report.Row{Figure: figure, Unit: unit, Ours: ours, Reference: reference, Goal: goal})
	}
	for _, canary := range []bool{false, true} {
		u, p, name := us.off, them.off, "edit"
		if canary {
			u, p, name = us.on, them.on, "edit with a canary"
		}
		add(name+": to the last Envoy", report.Seconds, u.wall, p.wall, "")
		add(name+": server CPU per Envoy", report.Seconds, u.cpu, p.cpu, "≤ 1, aim 0.5")
		if !canary {
			add(name+": bytes to each Envoy", report.Bytes, u.in, p.in, "")
			add(name+": bytes from each Envoy", report.Bytes, u.out, p.out, "")
		}
	}
	if c.AtOnce {
		t.Title += " asked for in one request"
	}
	add("all connect at once: to the last", report.Seconds, us.connectWall, them.connectWall, "")
	add("all connect at once: server CPU per Envoy", report.Seconds, us.connectCPU, them.connectCPU, "≤ 1, aim 0.5")
	add("all connect at once: bytes to each Envoy", report.Bytes, us.connectIn, them.connectIn, "")
	add("memory (RSS) per Envoy", report.Bytes, us.rss, them.rss, "≤ 1, aim 0.5")
	add("goroutines per Envoy", report.Count, us.goroutines, them.goroutines, "")
	return t
}
