package hotload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/internal/test/program"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
	"github.com/wasm-xds/wasm-xds/test/bench/report"
	"github.com/wasm-xds/wasm-xds/test/bench/suite"
)

const (
	helloHeader = "hello" // header of the Go example with its configuration

	sha256OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// exampleFile returns the path of a file of the example filters.
func exampleFile(name string) string {
	return filepath.Join(program.Repository(), "examples", "envoy", "filters", name)
}

// exampleModule returns an example filter's module. It panics on an error, because the repository
// has the file.
func exampleModule(name string) []byte {
	module, err := os.ReadFile(exampleFile(name + ".wasm"))
	if err != nil {
		panic(err)
	}
	return module
}

// unlike returns the module with an extra section, so every cache takes it for a new module.
func unlike(module []byte, stamp string) []byte {
	const customSection, name = 0, "stamp"
	content := append([]byte{byte(len(name))}, name+stamp...)
	return append(binary.AppendUvarint(append(module[:len(module):len(module)], customSection), uint64(len(content))), content...)
}

// example is a filter that runs through the sandbox and loads in Envoy.
type example struct {
	title  string
	spec   *spec.Spec
	module []byte
	n      int // number of the last configuration

	envoy *harness.EnvoyProcess
	path  string // of Envoy's discovery response

	cold, known, found []float64 // wasm-xds's samples in seconds
	loaded, configured []float64 // Envoy's samples
	kept               *sandbox.Modules
	lastModule         string // path of the last module
}

// The examples' titles.
const (
	rustExample = "the Rust example"
	goExample   = "the Go example"
)

func checkCosts(t harness.TB, rounds int) ([]report.Row, error) {
	all := []*example{{title: rustExample}, {title: goExample}}
	boot := harness.Bootstrap{Mode: harness.ADSDelta, XDSAddress: harness.Loopback(harness.FreePort(t)), ModulesAddress: harness.Loopback(harness.FreePort(t))}
	upstream := harness.StartUpstream(t).Address()
	for i, name := range []string{"prime_token", "hello"} {
		e := all[i]
		if err := e.read(t, name); err != nil {
			return nil, err
		}
		boot.HTTP = append(boot.HTTP, harness.HTTPListener{
			Name: name, Port: harness.FreePort(t), Filters: []harness.Filter{{Name: name, Path: e.path}}, Upstream: upstream,
		})
	}
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{Bootstrap: boot.YAML(t)})
	envoy.WaitReady()
	var rows []report.Row
	for _, e := range all {
		e.envoy = envoy
		ctx := t.Context()
		if err := report.Interleave(rounds, e.load, func() error { return e.check(ctx) }); err != nil {
			return nil, fmt.Errorf("%s: %w", e.title, err)
		}
		rows = append(rows, e.rows()...)
	}
	return rows, nil
}

// read reads the example and writes Envoy's first discovery response.
func (e *example) read(t harness.TB, name string) error {
	file := exampleFile(name + ".yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	specs, problems, _ := spec.Decode(file, text)
	if len(specs) != 1 {
		return fmt.Errorf("%s: %v", file, problems)
	}
	e.spec, e.module, e.path = specs[0], exampleModule(name), filepath.Join(t.TempDir(), name+".json")
	e.kept = sandbox.NewModules(len(e.module))
	t.Cleanup(e.kept.Close)
	first, err := e.response(e.module, e.config())
	if err != nil {
		return err
	}
	return first.Rename()
}

// config returns a new configuration.
func (e *example) config() string {
	e.n++
	return fmt.Sprint("world ", e.n)
}

// response prepares a discovery response for a rename into Envoy's watched directory.
func (e *example) response(module []byte, config string) (suite.Replacement, error) {
	path := fmt.Sprintf("%s-%d.wasm", e.path, e.n)
	if err := os.WriteFile(path, module, 0o644); err != nil {
		return suite.Replacement{}, err
	}
	return e.responseFor(path, config)
}

func (e *example) responseFor(path, config string) (suite.Replacement, error) {
	e.lastModule = path
	return suite.Prepare(e.path, response(e.spec.Name, path, config))
}

// load measures Envoy's time for a new module, and then for a new configuration.
func (e *example) load() error {
	config := e.config()
	ready, err := e.response(unlike(e.module, config), config)
	if err != nil {
		return err
	}
	took, err := e.update(ready)
	if err != nil {
		return err
	}
	e.loaded = append(e.loaded, took.Seconds())
	if ready, err = e.responseFor(e.lastModule, e.config()); err != nil {
		return err
	}
	took, err = e.update(ready)
	e.configured = append(e.configured, took.Seconds())
	return err
}

// update renames the response into place and returns Envoy's time to load the filter.
func (e *example) update(ready suite.Replacement) (time.Duration, error) {
	before := e.envoy.FilterStats(e.spec.Name)
	if err := suite.Rest(context.Background(), 200*time.Millisecond); err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := ready.Rename(); err != nil {
		return 0, err
	}
	for time.Since(begin) < harness.Deadline {
		change := harness.Diff(before, e.envoy.FilterStats(e.spec.Name))
		switch {
		case change["update_rejected"]+change["config_fail"] > 0:
			return 0, errors.New("the Envoy has refused it")
		case change["update_success"] > 0:
			return time.Since(begin), nil
		}
	}
	return 0, errors.New("the Envoy does not load it")
}

// check measures the sandbox's time for a new module, for a new configuration of a cached decoded
// module, and for a known verdict.
func (e *example) check(ctx context.Context) error {
	module := unlike(e.module, e.config())
	for _, one := range []struct {
		modules *sandbox.Modules
		module  []byte
		samples *[]float64
	}{{nil, module, &e.cold}, {e.kept, e.module, nil}, {e.kept, e.module, &e.known}} {
		// As after an edit by hand, the sandbox gets time to start instances ahead.
		if err := suite.Rest(ctx, 500*time.Millisecond); err != nil {
			return err
		}
		config := e.config()
		begin := time.Now()
		v := examine.Judge(ctx, one.modules, examine.Enforce, e.spec, examine.Module{Bytes: one.module}, &config)
		took := time.Since(begin)
		if len(v.Errors) > 0 {
			return fmt.Errorf("the sandbox refuses it: %+v", v.Errors)
		}
		if one.samples != nil {
			*one.samples = append(*one.samples, took.Seconds())
		}
	}
	config := e.config()
	begin := time.Now()
	if examine.Key(examine.Enforce, e.spec, sha256OfNothing, &config) == "" {
		return errors.New("a verdict has no key")
	}
	e.found = append(e.found, time.Since(begin).Seconds())
	return nil
}

func (e *example) rows() []report.Row {
	title := fmt.Sprintf("%s (%s)", e.title, report.Bytes.Format(float64(len(e.module))))
	row := func(what string, ours, reference []float64) report.Row {
		return report.NewRow(title+what, report.Seconds, ours, reference)
	}
	return []report.Row{
		row(", never seen", e.cold, e.loaded),
		row(", a new configuration", e.known, e.configured),
		row(", verdict known", e.found, e.loaded),
	}
}
