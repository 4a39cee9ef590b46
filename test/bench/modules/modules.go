// Package modules measures the module server with a hundred clients that download a module at
// once, beside nginx with the same file.
package modules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/proc"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

const (
	clients    = 100
	moduleSize = 5 << 20
)

// Benchmark measures the module server.
func Benchmark() suite.Benchmark { return suite.Benchmark{Name: "modules", Text: text, Run: run} }

// target is a server of the file.
type target struct {
	url  string
	pids func() ([]int, error)

	seconds, cpu, rss []float64
}

func run(ctx context.Context, o suite.Options) (m report.Measured, err error) {
	m.Facts = report.Facts{nginxFact: nginxVersion()}
	binary, err := o.WasmXDS(ctx)
	if err != nil {
		return m, err
	}
	dir := filepath.Join(o.Dir, "filters")
	module := testfilter.HTTP{Stamp: "large", Pad: moduleSize}.Module()
	sum := sha256.Sum256(module)
	sha := hex.EncodeToString(sum[:])
	if err := errors.Join(
		os.Mkdir(dir, 0o755),
		os.WriteFile(filepath.Join(dir, sha+".wasm"), module, 0o644),
		os.WriteFile(filepath.Join(dir, "large.yaml"), []byte("name: large\nmodule: {file: ./"+sha+".wasm}\n"), 0o644),
	); err != nil {
		return m, err
	}
	server, err := suite.StartServer(binary, dir, filepath.Join(o.Dir, "state"), filepath.Join(o.Dir, "wasm-xds.log"))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	us := &target{
		url:  "http://" + server.Modules + "/modules/" + sha + ".wasm",
		pids: func() ([]int, error) { return []int{server.PID()}, nil },
	}
	web, err := startNginx(ctx, o.Dir, dir)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, web.stop()) }()
	them := &target{url: "http://" + web.address + "/" + sha + ".wasm", pids: web.pids}
	rounds := 15
	if o.Quick {
		rounds = 3
	}
	if err := report.Interleave(rounds, func() error { return us.fetch(ctx, len(module)) }, func() error { return them.fetch(ctx, len(module)) }); err != nil {
		return m, err
	}
	m.Tables = []report.Table{{Rows: []report.Row{
		report.NewRow("all have it", report.Seconds, us.seconds, them.seconds),
		report.NewRow(throughput, report.Bytes, rate(us.seconds, len(module)), rate(them.seconds, len(module))),
		report.NewRow("server CPU", report.Seconds, us.cpu, them.cpu),
		report.NewRow("memory (RSS) right after", report.Bytes, us.rss, them.rss),
	}}}
	return m, nil
}

const (
	nginxFact  = "nginx" // nginx's version
	throughput = "throughput, bytes a second"
)

func text(facts report.Facts) report.Text {
	return report.Text{
		Title: "Module server", Reference: "nginx", Headlines: []report.Headline{{Figures: []string{throughput}}},
		Before: []string{
			fmt.Sprintf("%d clients fetch a module of %d MiB at once, each over a connection of its own, from "+
				"wasm-xds and from Debian's nginx (%s; `sendfile on`, a worker for each core) with the "+
				"same file. The clients share the machine. `go run -C test ./bench/cmd/bench -only "+
				"modules`.", clients, moduleSize>>20, facts[nginxFact]),
		},
		After: []string{
			"wasm-xds is one process that does everything; nginx's memory is the sum of its processes, which share some of it.",
		},
	}
}

func rate(seconds []float64, size int) []float64 {
	rates := make([]float64, len(seconds))
	for i, s := range seconds {
		rates[i] = float64(clients) * float64(size) / s
	}
	return rates
}

// fetch makes all clients download at once.
func (d *target) fetch(ctx context.Context, size int) error {
	cpu, err := d.usedCPU()
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true, ReadBufferSize: 64 << 10}}
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for range clients {
		group.Go(func() error { return get(ctx, client, d.url, size) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	d.seconds = append(d.seconds, time.Since(begin).Seconds())
	after, err := d.usedCPU()
	if err != nil {
		return err
	}
	d.cpu = append(d.cpu, (after - cpu).Seconds())
	return d.noteRSS()
}

func get(ctx context.Context, client *http.Client, url string, size int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || res.StatusCode != http.StatusOK || int(n) != size {
		return fmt.Errorf("GET %s: status %d, %d bytes of %d: %w", url, res.StatusCode, n, size, err)
	}
	return nil
}

func (d *target) usedCPU() (sum time.Duration, err error) {
	pids, err := d.pids()
	for _, pid := range pids {
		one, cpuErr := proc.CPU(pid)
		sum, err = sum+one, errors.Join(err, cpuErr)
	}
	return sum, err
}

func (d *target) noteRSS() error {
	pids, err := d.pids()
	sum := 0.0
	for _, pid := range pids {
		one, rssErr := proc.RSS(pid)
		sum, err = sum+one, errors.Join(err, rssErr)
	}
	d.rss = append(d.rss, sum)
	return err
}
