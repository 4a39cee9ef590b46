package sandbox

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/test/testfilter"
)

func emptyFilter(modules *Modules, config string) Request {
	return Request{Module: testfilter.Importing().Bytes(), PluginConfig: &config, Modules: modules}
}

// idleModules make no spares by themselves.
func idleModules() *Modules {
	modules := NewModules(8 << 20)
	modules.delay = time.Hour
	return modules
}

func checkOK(t *testing.T, r Request) checked {
	t.Helper()
	report := check(t.Context(), r)
	if !report.ok() {
		t.Fatal(report.problems)
	}
	return report
}

// goExample is the example in Go. Its start is the start of Go's runtime.
func goExample(t *testing.T, modules *Modules, config string) Request {
	t.Helper()
	return Request{Module: exampleModule(t, "hello"), PluginConfig: &config, Modules: modules}
}

func TestASpareIsTakenByARunThatStartsAlike(t *testing.T) {
	modules := idleModules()
	defer modules.Close()
	first := checkOK(t, goExample(t, modules, "first"))
	modules.makeSpares()
	if len(modules.spares.ready) != 1 {
		t.Fatalf("%d spares", len(modules.spares.ready))
	}
	spare := modules.spares.ready[0]

	other := goExample(t, modules, "other")
	other.Env = map[string]string{"GOGC": "off"} // which a start can read
	checkOK(t, other)
	if !slices.Contains(modules.spares.ready, spare) {
		t.Fatal("taken by a run that starts otherwise")
	}
	config := "second"
	second := checkOK(t, goExample(t, modules, config))
	if slices.Contains(modules.spares.ready, spare) {
		t.Fatal("not taken")
	}
	if got, _ := host.Lookup(second.headers, "hello"); got != config {
		t.Errorf("configured with %q", got)
	}
	if diff := cmp.Diff(first.problems, second.problems) + cmp.Diff(first.logs, second.logs); diff != "" {
		t.Errorf("another verdict than that of a run from the beginning:\n%s", diff)
	}
	modules.makeSpares()
	if n := len(modules.spares.ready); n != 2 {
		t.Errorf("%d spares, where two kinds of runs were", n)
	}
}

func TestSparesAreBoundedAndGoWithTheirModule(t *testing.T) {
	modules := idleModules()
	defer modules.Close()
	for i := range maximumSpares + 1 {
		r := emptyFilter(modules, "x")
		r.RootID = fmt.Sprint(i) // no run is like another
		checkOK(t, r)
	}
	if n := len(modules.spares.wanted); n != maximumSpares {
		t.Errorf("%d spares are wanted", n)
	}
	r := emptyFilter(modules, "x")
	r.RootID = "one more"
	modules.makeSpares()
	checkOK(t, r)
	modules.makeSpares()
	if n := len(modules.spares.ready); n != maximumSpares {
		t.Errorf("%d spares", n)
	}
	oldest := modules.spares.ready[0]
	if oldest.start.config.RootID != "2" {
		t.Errorf("the oldest one that is kept is number %s", oldest.start.config.RootID)
	}
	modules.mu.Lock()
	gone := modules.drop(oldest.of)
	modules.mu.Unlock()
	closeAll(gone)
	if n := len(modules.spares.ready); n != 0 || oldest.vm.Alive() {
		t.Errorf("%d spares are left of a module that is gone", n)
	}
}

// A start that has asked for a property is not done ahead: the property may differ.
func TestNoSpareWhereAStartMayDiffer(t *testing.T) {
	called := map[string]uint64{"env.proxy_log": 1, "wasi_snapshot_preview1.random_get": 1}
	if !startedAlone(called) {
		t.Error("logging and random numbers are alike in every run")
	}
	called["env.proxy_get_property"] = 1
	if startedAlone(called) {
		t.Error("a property may differ in the next run")
	}
}

func TestSparesAreMadeAndTakenSideBySide(t *testing.T) {
	modules := idleModules()
	var all sync.WaitGroup
	for i := range 4 {
		r := emptyFilter(modules, fmt.Sprint(i))
		all.Go(func() {
			for range 3 {
				if report := check(t.Context(), r); !report.ok() {
					t.Error(report.problems)
				}
				modules.makeSpares()
			}
		})
	}
	all.Wait()
	modules.Close()
	if len(modules.cache.kept)+len(modules.spares.ready)+len(modules.cache.codes) != 0 {
		t.Error("something is left")
	}
}

func TestClosingEndsWhatIsBeingMade(t *testing.T) {
	modules := idleModules()
	checkOK(t, emptyFilter(modules, "x"))
	var making sync.WaitGroup
	making.Go(modules.makeSpares)
	modules.Close()
	making.Wait()
	if len(modules.spares.ready) != 0 || len(modules.cache.kept) != 0 {
		t.Error("something is left")
	}
}
