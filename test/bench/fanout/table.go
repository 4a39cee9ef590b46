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
			"Simulated Envoys (`test/simenvoy`), each with a gRPC connection of its own, get one " +
				"edited filter. The reference is a plain go-control-plane server: a LinearCache with the " +
				"same resources. Both servers are processes of their own, both have all Envoys connected, " +
				"and they take turns. `make bench`, or `go run -C test ./bench/cmd/bench -only fanout`.",
		},
		After: []string{
			"*Server CPU* is the user and system time of the server's process from the edit until the " +
				"process is idle again. The time includes planning and saving, and excludes the sandbox " +
				"(`--preflight off`). *To the last Envoy* runs from the rename of the spec to the last " +
				"ACK. This time includes `--settle` of 20 ms, and shares the machine's cores with the " +
				"simulated Envoys. The plain server hears of the edit over a pipe. *Memory* is the growth " +
				"of the process while the Envoys connected.",
			"**Where the CPU time goes.** The profile of an edit for 1,000 Envoys (ADS, delta) has " +
				"four parts. gRPC's transport and its system calls take more than a third. " +
				"go-control-plane's two goroutines of each stream take a fifth. The goroutine that owns " +
				"the state takes a fifth, and the delivery machine is half of that: 6 allocations for a " +
				"push and its ACK. The scheduler and the garbage collector take the rest. A resource is " +
				"marshalled once: a response is two pieces that all streams share, and a tail with the " +
				"nonce. An ACK is not decoded. The server reads only the nonce, and in SotW compares the " +
				"names with the names of the former request. A stream loop without go-control-plane's " +
				"servers was tried: it has four goroutines a stream instead of five, and takes a fifth " +
				"less CPU. The library stays nevertheless. When an Envoy connects, a plain server spends " +
				"most of its time on the node, which has 61 KB because Envoy lists its extensions, and " +
				"keeps the node for the life of the stream. wasm-xds skips all extensions but the Wasm " +
				"runtimes, and skips a node that it knows. Most of the memory of a stream is gRPC's " +
				"buffers and the stacks of five goroutines. wasm-xds adds about 150 bytes for each filter " +
				"on each stream, and keeps no names in go-control-plane's maps. The garbage collector " +
				"needs the same amount again.",
			"**The price of safety.** If Envoy refuses one resource of a response, it refuses all of " +
				"them. So wasm-xds sends a resource alone if it may be refused: a revision that no Envoy " +
				"of the version has loaded yet, and remote code. Envoys that connect at the same time each " +
				"try another revision first, so all revisions are soon known. Other resources share " +
				"responses of up to 64 resources or a megabyte of modules: revisions that are known to " +
				"load on that version of Envoy (in delta only for an Envoy that runs nothing yet), and " +
				"everything that a SotW client has accepted before. In delta, up to 64 resources are under " +
				"way at a time. Envoys ask for one filter after another when they boot, and for all " +
				"filters at once when their stream comes back. A delta client then names the versions that " +
				"it has, and the server sends nothing. A SotW client brings only version_info, so " +
				"version_info lists the version of each name. With more than 8 names, an entry takes about " +
				"15 bytes, and only the last of several responses has the list. In SotW each ACK lists all " +
				"names, for the plain server as well. If an Envoy asks for 200 filters in one request, the " +
				"profile is a quarter the state of each filter on the stream, an eighth the garbage " +
				"collector, and the rest gRPC and the system. Streams of one fleet share the names of the " +
				"first request, the packed version_info, and the verdicts on a filter.",
			"No lock spans two streams, and a client that does not read delays only itself " +
				"(`TestAClientThatDoesNotReadHoldsUpNobody`). A scrape of `/metrics` lists no subscribers: " +
				"counters follow each change. Tests assert the counts that do not depend on the machine: " +
				"`TestAllocationsPerPush`, `TestAllocationsPerSharedPush`, `TestAllocationsPerResponse`, " +
				"`TestAllocationsPerSharedResource`, `TestAllocationsOfAnAnswer`, " +
				"`TestAllocationsOfANode`, `TestMemoryPerSubscriber`. `go test -bench . " +
				"./internal/delivery ./internal/xds/... ./internal/control` is for `benchstat`.",
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
