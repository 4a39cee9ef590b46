package fanout

import (
	"fmt"

	"github.com/wasm-xds/wasm-xds/test/bench/report"
)

func text(report.Facts) report.Text {
	half := report.Goal{Most: 1, Aim: 0.5}
	return report.Text{
		Title: "Fan-out", Reference: "plain go-control-plane",
		Headlines: []report.Headline{
			{What: "server CPU per Envoy, an edit", Figures: []string{editCPU}, Goal: half},
			{What: "server CPU per Envoy, an edit with a canary", Figures: []string{canaryCPU}, Goal: half},
			{What: "server CPU per Envoy, all connect at once", Figures: []string{connectCPU}, Goal: half},
			{What: "memory (RSS) per Envoy", Figures: []string{memory}, Goal: half},
		},
		Before: []string{
			"Simulated Envoys (`test/simenvoy`), each with a gRPC connection of its own, get one edited filter. " +
				"Beside wasm-xds stands a plain go-control-plane server: a LinearCache with the same resources. Both are " +
				"processes of their own with all Envoys connected, and take turns. `make bench`, or " +
				"`go run -C test ./bench/cmd/bench -only fanout`.",
		},
		After: []string{
			"What the figures are: *server CPU* is user and system time of the server's process from the edit until it is " +
				"idle again, its own settling, planning and saving included, but not the sandbox (`--preflight off`); *to the last Envoy* runs from the rename of the " +
				"spec (`--settle` of 20 ms included; the plain server is told over a pipe) to the last ACK, and shares the " +
				"machine's cores with the simulated Envoys; *memory* is what the process grew by when the Envoys connected.",
			"**Where the rest goes.** An edit for 1,000 Envoys, ADS delta, by profile: more than a third is gRPC's transport " +
				"and the system calls below it, a fifth go-control-plane's two goroutines a stream, a fifth the one goroutine " +
				"that owns the state (half of it the machine's step: 6 allocations for a push and its ACK), the rest is the " +
				"scheduler and the garbage collector. A resource is marshalled once: a response is two pieces that all share and " +
				"a tail of its own, with the nonce. An ACK is not decoded: it says which response it is about, and that is all " +
				"that is read of it, in SotW beside a look whether its names are those of the request before. A stream loop in " +
				"place of go-control-plane's servers was tried: four goroutines a stream for five, and a fifth less CPU; the " +
				"library stays, but what it reads and writes are words, the bytes pass by it. When an Envoy connects, the plain " +
				"server spends most on its node (61 KB on the wire, nearly all of it the list of extensions), to read it and to " +
				"keep it for the life of the stream: wasm-xds skips all extensions but the Wasm runtimes before they are read, " +
				"and all of a node that it knows. In memory, gRPC's buffers and the stacks of five goroutines come first then. " +
				"What wasm-xds keeps besides is the state of each filter on each stream: about 150 bytes, the names in " +
				"go-control-plane's maps left out, which are taken out of each request before it sees them. The same again is " +
				"the garbage collector's.",
			"**What costs more, and why.** A refused filter takes its neighbours in a response with it, so what may be refused is " +
				"sent alone: what no Envoy of the version has loaded yet, and remote code. Envoys that connect at the same time each try " +
				"something else first, so that all of it is soon known. What is settled shares responses, up to 64 resources or a " +
				"megabyte of modules in each: what is known to load on that version of Envoy, in delta for an Envoy that runs nothing yet, and what a SotW client " +
				"says that it has accepted, all of it at once. In delta up to 64 resources are under way at a time, whatever their responses. " +
				"Envoys ask for one filter after the other when they boot, and for all at once when their stream comes back; in " +
				"delta they then name what they have, and nothing is sent. SotW's version_info says what was accepted of every " +
				"name, because it is all that an Envoy brings to its next stream: with more than 8 names in 15 bytes or so for " +
				"each, and where more responses follow at once only in the last of them. The list of all names in each ACK is " +
				"the protocol's, and the plain server gets it, too. What is left of 200 filters that are asked for in one request " +
				"is by profile a quarter the state of each on each stream, made, tried and gone live; an eighth the garbage " +
				"collector's, which goes through that state; and gRPC's and the system's for the rest, the first tries alone among them. " +
				"What streams of a fleet have in common is found once: the names of a first request, a packed version_info, the " +
				"verdicts that a filter's subscribers ask for.",
			"No lock is held over two streams, and a client that does not read holds up nobody but itself " +
				"(`TestAClientThatDoesNotReadHoldsUpNobody`). A scrape of `/metrics` lists no subscribers: they are counted as they " +
				"change. Counts that do not depend on the machine are asserted in tests: `TestAllocationsPerPush`, " +
				"`TestAllocationsPerSharedPush`, `TestAllocationsPerResponse`, `TestAllocationsPerSharedResource`, `TestAllocationsOfAnAnswer`, " +
				"`TestAllocationsOfANode`, `TestMemoryPerSubscriber`; `go test -bench . " +
				"./internal/delivery ./internal/xds ./internal/control` is for `benchstat`.",
		},
	}
}

// The figures with goals.
const (
	edit, canaryEdit, connect = "edit", "edit with a canary", "all connect at once"

	cpu        = ": server CPU per Envoy"
	editCPU    = edit + cpu
	canaryCPU  = canaryEdit + cpu
	connectCPU = connect + cpu
	memory     = "memory (RSS) per Envoy"
)

func table(c Case, us, them samples) report.Table {
	t := report.Table{Title: fmt.Sprintf("%d Envoys, %s, %d filters", c.Clients, c.Mode, c.Filters)}
	if c.AtOnce {
		t.Title += " asked for in one request"
	}
	add := func(figure string, unit report.Unit, ours, reference []float64) {
		t.Rows = append(t.Rows, report.NewRow(figure, unit, ours, reference))
	}
	if c.Edits > 0 {
		add(edit+": to the last Envoy", report.Seconds, us.off.wall, them.off.wall)
		add(editCPU, report.Seconds, us.off.cpu, them.off.cpu)
		add(edit+": bytes to each Envoy", report.Bytes, us.off.in, them.off.in)
		add(edit+": bytes from each Envoy", report.Bytes, us.off.out, them.off.out)
		add(canaryEdit+": to the last Envoy", report.Seconds, us.on.wall, them.on.wall)
		add(canaryCPU, report.Seconds, us.on.cpu, them.on.cpu)
	}
	add(connect+": to the last", report.Seconds, us.connectWall, them.connectWall)
	add(connectCPU, report.Seconds, us.connectCPU, them.connectCPU)
	add(connect+": bytes to each Envoy", report.Bytes, us.connectIn, them.connectIn)
	add(memory, report.Bytes, us.rss, them.rss)
	add("goroutines per Envoy", report.Count, us.goroutines, them.goroutines)
	return t
}
