package hotload

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

// Preflight measures the sandbox's share of a hot-load, and the cost of a check beside Envoy's
// load of the same module.
func Preflight() suite.Benchmark {
	return suite.Benchmark{Name: "preflight", Text: preflightText, Run: runPreflight}
}

func runPreflight(ctx context.Context, o suite.Options) (report.Measured, error) {
	m := report.Measured{Facts: report.Facts{envoyFact: harness.DefaultVersion}}
	var table report.Table
	for _, e := range edits() {
		o.Logf("preflight: %s", e.title)
		var row report.Row
		if err := o.Do(ctx, "preflight", func(t harness.TB) (err error) { row, err = e.measure(t, rounds(o, e.takes)); return err }); err != nil {
			return m, fmt.Errorf("%s: %w", e.title, err)
		}
		table.Rows = append(table.Rows, row)
	}
	table.Title = "Hot-load"
	o.Logf("preflight: checks")
	checks := report.Table{Title: "What a check costs", Reference: "Envoy loads it"}
	err := o.Do(ctx, "preflight", func(t harness.TB) (err error) { checks.Rows, err = checkCosts(t, rounds(o, time.Second)); return err })
	m.Tables = []report.Table{table, checks}
	return m, err
}

func preflightText(facts report.Facts) report.Text {
	return report.Text{
		Title: "The sandbox", Reference: "`--preflight off`",
		Headlines: []report.Headline{
			{What: "hot-load", Figures: []string{"a new module"}, Goal: report.Goal{Most: 1.1}},
			{What: "hot-load", Figures: []string{"a new configuration"}, Goal: report.Goal{Most: 1.05}},
			{What: "a check", Figures: []string{rustExample, goExample}, Goal: report.Goal{Most: 1}},
		},
		Before: []string{
			"The first table has hot-loads as above (`delivery: inline`), with and without the sandbox: two servers, each with " +
				"its own Envoy " + facts[envoyFact] + ", take turns. The second table has the check alone, as `serve` runs it for all " +
				"versions of Envoy. Its reference is the time from a rename of Envoy's own `path_config_source` to its " +
				"`update_success` with the same module. `go run -C test ./bench/cmd/bench -only preflight`.",
		},
		After: []string{
			"wazero's interpreter decodes a new module, one function after another on one core, and " +
				"nothing else can happen meanwhile. This is nearly all of the sandbox's cost. V8 takes " +
				"more than ten times as long for modules that compilers make of Rust and Go. The two " +
				"synthetic modules of these tables (130 KB, 2 MB) consist of the simplest functions: V8 " +
				"compiles three to five times as many of their bytes in a second, and the interpreter " +
				"decodes no more than usual. They are the worst case.",
			"For a new configuration, the module is often decoded already (the sandbox keeps the last " +
				"four megabytes of modules), and an instance has already started. A filter in Go takes " +
				"some 15 ms to start its runtime, so an edit waits for that only within a quarter of a " +
				"second after another edit. A known verdict, after a restart or when an edit is taken " +
				"back, costs one hash.",
		},
	}
}

// edit is a kind of change, measured with and without the sandbox.
type edit struct {
	title  string
	takes  time.Duration // approximate duration
	header string        // answer header, or body, with the edit's number
	// module and config return the module and the configuration of the edit with this stamp.
	module func(stamp string) []byte
	config func(stamp string) string
}

func edits() []edit {
	const compiles, configures = time.Second, 20 * time.Millisecond
	same := func(string) string { return "same" }
	each := func(stamp string) string { return stamp }
	all := []edit{}
	for _, s := range []size{{"130 KB", 130_000}, {"2 MB", 2_000_000}} {
		all = append(all, edit{"a new module of " + s.title, compiles, harness.StampHeader, s.module, same})
	}
	rust := exampleModule("prime_token")
	all = append(all, edit{"a new module, the Rust example", compiles, body, func(stamp string) []byte { return refusing(rust, stamp) }, same})
	hello := exampleModule("hello")
	all = append(all, edit{"a new module and configuration, the Go example", compiles, helloHeader, func(stamp string) []byte { return unlike(hello, stamp) }, each})
	for _, s := range []size{{"130 KB", 130_000}, {"2 MB", 2_000_000}} {
		module := testfilter.HTTP{EchoConfig: true, Code: s.code}.Module()
		all = append(all, edit{"a new configuration, module of " + s.title, configures, testfilter.ConfigHeader, func(string) []byte { return module }, each})
	}
	return append(all, edit{"a new configuration of the Go example", configures, helloHeader, func(string) []byte { return hello }, each})
}

// refusing returns the Rust example with a new text for denials.
func refusing(module []byte, text string) []byte {
	const usual = "Access forbidden"
	return bytes.Replace(module, []byte(usual), fmt.Appendf(nil, "%-*s", len(usual), text), 1)
}

// measure measures both sides in turns.
func (e edit) measure(t harness.TB, rounds int) (report.Row, error) {
	with, err := e.start(t, "enforce")
	if err != nil {
		return report.Row{}, err
	}
	without, err := e.start(t, "off")
	if err != nil {
		return report.Row{}, err
	}
	all := samples{}
	err = takeTurns(t, []*side{with, without}, e.module, rounds, all)
	return report.NewRow(e.title, report.Seconds, all[with.name], all[without.name]), err
}

// start starts a server with a sandbox mode, and an Envoy.
func (e edit) start(t harness.TB, mode string) (*side, error) {
	dir := filepath.Join(t.TempDir(), mode)
	if err := os.MkdirAll(filepath.Join(dir, "modules"), 0o755); err != nil {
		return nil, err
	}
	d := &side{name: mode, port: harness.FreePort(t), header: e.header}
	d.prepare = func(module []byte, n int) (suite.Replacement, error) {
		path := modulePath(dir, mode, n)
		if err := os.WriteFile(path, module, 0o644); err != nil {
			return suite.Replacement{}, err
		}
		return suite.Prepare(filepath.Join(dir, mode+".yaml"), fmt.Appendf(nil,
			"name: %q\nmodule: {file: %s}\ndelivery: inline\nconfig: %q\n", mode, path, e.config(stamp(mode, n))))
	}
	first, err := d.prepare(e.module(stamp(mode, 0)), 0)
	if err != nil {
		return nil, err
	}
	if err := first.Rename(); err != nil {
		return nil, err
	}
	suite.Serve(t, dir, []harness.HTTPListener{{Name: mode, Port: d.port, Filters: harness.Filters(mode)}}, "--preflight", mode)
	_, err = d.await(t.Context(), time.Now(), stamp(mode, 0))
	return d, err
}
