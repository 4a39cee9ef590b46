// Package registries measures the time from a moved tag in a registry to the first answer of the
// new filter, beside the same edit by file. The package also measures a registry's traffic when
// many specs name the same module.
package registries

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/registrytest"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// Benchmark measures a registry as the source of modules.
func Benchmark() suite.Benchmark {
	return suite.Benchmark{Name: "registries", Text: text, Run: run}
}

func run(ctx context.Context, o suite.Options) (m report.Measured, err error) {
	rounds, repeats, specs, size := 11, 3, 100, 5<<20
	if o.Quick {
		rounds, repeats, specs, size = 3, 1, 20, 1<<20
	}
	var live report.Row
	o.Logf("registries: tags that move")
	if err := o.Do(ctx, "registries", func(t harness.TB) (err error) { live, err = moves(t, rounds); return err }); err != nil {
		return m, err
	}
	o.Logf("registries: %d specs", specs)
	var sent, once []float64
	for range repeats {
		if err := o.Do(ctx, "registries", func(t harness.TB) error {
			s, o := many(t, specs, size)
			sent, once = append(sent, s), append(once, o)
			return nil
		}); err != nil {
			return m, err
		}
	}
	m.Tables = []report.Table{{Rows: []report.Row{live, report.NewRow(oneModule, report.Bytes, sent, once)}}}
	return m, nil
}

// oneModule is the figure with a goal.
const oneModule = "one module for all specs: bytes of blobs"

func text(report.Facts) report.Text {
	return report.Text{
		Title: "Registries", Reference: "by file; once",
		Headlines: []report.Headline{{Figures: []string{oneModule}, Goal: report.Goal{Most: 1.05}}},
		Before: []string{
			"The first figure runs from the moment in which distribution's registry, on loopback, has " +
				"moved a tag to the first answer of the new 130 KB filter on one Envoy, with " +
				"`module.refresh` at its minimum of 1 s. Its reference is the same module from a file that " +
				"is renamed into place. The second figure is the bytes of blobs that the registry sends " +
				"when a hundred specs name one module of 5 MiB. Its reference is the size of the module. " +
				"`go run -C test ./bench/cmd/bench -only registries`.",
		},
		After: []string{
			"wasm-xds notices a moved tag at its next request, after half a second on average. The " +
				"rest is one GET of the manifest, one GET of the layer, and the hot-load.",
		},
	}
}

// asTest wraps a harness.TB for a package that needs testing.TB. asTest has only the methods that
// the package calls.
type asTest struct {
	testing.TB // nil: supplies testing.TB's private method
	run        harness.TB
}

func (t asTest) Helper()                           {}
func (t asTest) Fatal(args ...any)                 { t.run.Fatalf("%s", fmt.Sprint(args...)) }
func (t asTest) Fatalf(format string, args ...any) { t.run.Fatalf(format, args...) }
func (t asTest) Errorf(format string, args ...any) { t.run.Errorf(format, args...) }
func (t asTest) Error(args ...any)                 { t.run.Errorf("%s", fmt.Sprint(args...)) }
func (t asTest) Cleanup(f func())                  { t.run.Cleanup(f) }
func (t asTest) TempDir() string                   { return t.run.TempDir() }
func (t asTest) Context() context.Context          { return t.run.Context() }

const code = 130_000 // bytes of extra code in the modules

func stamped(side string, n int) []byte {
	return testfilter.HTTP{Stamp: stamp(side, n), Code: code}.Module()
}

func stamp(side string, n int) string { return fmt.Sprintf("%s-%04d", side, n) }

// moves measures edits by tag and by file in turns.
func moves(t harness.TB, rounds int) (report.Row, error) {
	var tagged, filed []float64
	registry := registrytest.Start(asTest{run: t}, registrytest.Options{})
	dir := filepath.Join(t.TempDir(), "filters")
	tag := func(n int) {
		registry.Push(asTest{run: t}, "team/filter:prod", registrytest.Artifact(stamped("tag", n)))
	}
	file := func(n int) { harness.WriteFile(t, filepath.Join(dir, "file.wasm"), stamped("file", n)) }
	tag(0)
	file(0)
	harness.WriteFile(t, filepath.Join(dir, "tag.yaml"), []byte("module: {oci: '"+registry.Ref("team/filter:prod")+"', refresh: 1s}\n"))
	harness.WriteFile(t, filepath.Join(dir, "file.yaml"), []byte("module: {file: ./file.wasm}\n"))

	var listeners []harness.HTTPListener
	ports := map[string]int{}
	for _, side := range []string{"tag", "file"} {
		ports[side] = harness.FreePort(t)
		listeners = append(listeners, harness.HTTPListener{Name: side, Port: ports[side], Filters: harness.Filters(side)})
	}
	suite.Serve(t, dir, listeners, "--insecure-registry", "127.0.0.1")
	side := func(name string, edit func(int), samples *[]float64) func() error {
		n := 0
		return func() error {
			n++
			if err := suite.Rest(t.Context(), 200*time.Millisecond); err != nil {
				return err
			}
			edit(n)
			start := time.Now() // the registry has answered, so the tag has moved
			want := stamp(name, n)
			err := suite.Await(t.Context(), ports[name], want, func(a harness.Answer) bool { return a.Stamp() == want })
			*samples = append(*samples, time.Since(start).Seconds())
			return err
		}
	}
	err := report.Interleave(rounds, side("tag", tag, &tagged), side("file", file, &filed))
	return report.NewRow("tag moved to live", report.Seconds, tagged, filed), err
}

// many returns the bytes of blobs that a registry sends for specs with the same module, and the
// module's size.
func many(t harness.TB, specs, size int) (all, own float64) {
	module := testfilter.HTTP{Stamp: "many", Pad: size}.Module()
	var sent atomic.Int64
	registry := registrytest.Start(asTest{run: t}, registrytest.Options{Wrap: func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				w = &counting{w, &sent}
			}
			h.ServeHTTP(w, r)
		})
	}})
	registry.Push(asTest{run: t}, "team/filter:prod", registrytest.Artifact(module))
	dir := filepath.Join(t.TempDir(), "filters")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	for i := range specs {
		harness.WriteFile(t, filepath.Join(dir, fmt.Sprintf("f%03d.yaml", i)), []byte("module: {oci: '"+registry.Ref("team/filter:prod")+"'}\n"))
	}
	plane := harness.StartControlPlane(t, harness.ControlPlaneOptions{Dir: dir, Args: []string{"--insecure-registry", "127.0.0.1", "--log-level", "info"}})
	for i := range specs {
		plane.WaitFilter(fmt.Sprintf("f%03d", i), func(f harness.FilterStatus) bool { return f.State == harness.Active })
	}
	return float64(sent.Load()), float64(len(module))
}

type counting struct {
	http.ResponseWriter
	sent *atomic.Int64
}

// Write counts the sent bytes.
func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.sent.Add(int64(n))
	return n, err
}
