package control

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// fakeSandbox judges by the configuration: `bad` loads nowhere, and `new` only on 1.40. `auto`
// needs a capability. `loop` runs until the test releases it. `slow` takes too long the first two
// times.
type fakeSandbox struct {
	mu   sync.Mutex
	runs map[string]int // by filter
	loop chan struct{}
}

func (f *fakeSandbox) Examine(ctx context.Context, s *spec.Spec, _ snapshot.Module, config *string) (examine.Findings, *spec.Error) {
	f.mu.Lock()
	if f.runs == nil {
		f.runs = map[string]int{}
	}
	f.runs[s.Name]++
	run := f.runs[s.Name]
	f.mu.Unlock()
	var v examine.Findings
	if s.AutoCapabilities {
		v.Capabilities = []string{"proxy_log"}
	}
	switch kind, _, _ := strings.Cut(*config, " "); kind {
	case "bad":
		v.Errors = []examine.Finding{{Code: "import_missing", Message: "it lacks an import", Hint: "add it"}, {Code: "test_failed"}}
	case "new":
		v.Refusals = []snapshot.Refusal{{Versions: []string{"1.36", "1.37", "1.38", "1.39"}, Code: "import_missing", Message: "needs Envoy 1.40 or later"}}
	case "slow":
		if run <= 2 {
			v.Errors = []examine.Finding{{Code: "step_timeout", Message: "it takes too long", Late: true}}
		}
	case "loop":
		select {
		case <-f.loop:
		case <-ctx.Done():
		}
	}
	return v, nil
}

func (f *fakeSandbox) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, one := range f.runs {
		n += one
	}
	return n
}

// findingsFile is the file of the sandbox's findings.
const findingsFile = "verdicts.json"

// memoryDisk keeps files for the next control.
type memoryDisk struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (d *memoryDisk) Save(name string, data []byte) error { return d.Write(name, data) }
func (*memoryDisk) Sync(string) error                     { return nil }

func (d *memoryDisk) Write(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name] = data
	return nil
}

func (d *memoryDisk) Load(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if data, ok := d.files[name]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

func newChecked(x Examiner, change ...func(*Config)) *Control {
	cfg := Config{
		Modules: anyModule{}, Store: noCollector{}, StandIns: builtin.NewCache(), Files: noDisk{}, Logger: zap.NewNop(),
		Examiner: x, Sandbox: "one",
	}
	for _, f := range change {
		f(&cfg)
	}
	c := New(cfg)
	c.deliverer.sender = nobody{}
	return c
}

// configured is a set of filters by name, each with a configuration.
func configured(configs map[string]string) source.Set {
	set := source.Set{References: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(configs)) {
		s := scaledSpec(0, configs[name])
		s.Name = name
		set.Specs = append(set.Specs, s)
		set.References[s.Module.File.Path] = "seen"
	}
	return set
}

// shown is the wanted configuration and the problem of a filter.
func (c *Control) shown(name string) string {
	text := "nothing"
	f := c.view.Snapshot.Get(name)
	if f != nil && f.Revision != nil {
		text = *f.Revision.Config
	}
	if f != nil && f.Preparing {
		text += " preparing"
	}
	if e := c.view.Plan.Problems[name]; e != nil {
		text += ", error " + e.Code
	}
	if s := c.view.Plan.Checking[name]; s != nil {
		text += ", " + report.CheckingError(s).Code
	}
	for _, w := range c.view.Plan.Warnings[name] {
		text += ", warning " + w.Code
	}
	return text
}

func TestWhatTheSandboxRefusesIsNotServed(t *testing.T) {
	for _, tt := range []struct {
		mode examine.Mode
		want []string
	}{
		{examine.Enforce, []string{"good", "good, error import_missing", "good 2"}},
		{examine.Warn, []string{"good", "bad, warning import_missing, warning test_failed", "good 2"}},
		{examine.Off, []string{"good", "bad", "good 2"}},
	} {
		c := newChecked(&fakeSandbox{}, func(cfg *Config) { cfg.Preflight = tt.mode })
		for i, config := range []string{"good", "bad", "good 2"} {
			c.takeAndWait(configured(map[string]string{"a": config}))
			if got := c.shown("a"); got != tt.want[i] {
				t.Errorf("%s, %s: %q, want %q", tt.mode, config, got, tt.want[i])
			}
		}
	}
	c := newChecked(&fakeSandbox{})
	c.takeAndWait(configured(map[string]string{"a": "bad"}))
	if got := c.shown("a"); got != "nothing, error import_missing" {
		t.Errorf("a first revision: %q", got)
	}
	if e := c.view.Plan.Problems["a"]; !strings.Contains(e.Message, "1 more") || e.Hint != "add it" {
		t.Errorf("the error is %+v", e)
	}
}

func TestRefusalsOfVersionsGoWithTheRevision(t *testing.T) {
	c := newChecked(&fakeSandbox{})
	c.takeAndWait(configured(map[string]string{"a": "new"}))
	r := c.view.Snapshot.Get("a").Revision
	if r.RefusalFor("1.36.4") == nil || r.RefusalFor("1.40.0") != nil {
		t.Errorf("the refusals are %+v", r.Refusals)
	}
}

func TestCapabilitiesAuto(t *testing.T) {
	for _, mode := range examine.Modes() {
		c := newChecked(&fakeSandbox{}, func(cfg *Config) { cfg.Preflight = mode })
		set := configured(map[string]string{"a": "good"})
		set.Specs[0].AutoCapabilities = true
		c.takeAndWait(set)
		if got := c.view.Snapshot.Get("a").Revision.Capabilities; !slices.Equal(got, []string{"proxy_log"}) {
			t.Errorf("%s: %v", mode, got)
		}
	}
}

// A slow module delays neither the former revision of its filter nor other filters.
func TestNothingWaitsForALoop(t *testing.T) {
	x := &fakeSandbox{loop: make(chan struct{})}
	c := newChecked(x)
	c.takeAndWait(configured(map[string]string{"a": "good", "b": "good"}))
	ctx, cancel := context.WithCancel(context.Background())
	defer c.workers.Wait()
	defer cancel()
	set := configured(map[string]string{"a": "loop", "b": "good", "c": "loop 2"})
	c.takeSet(ctx, set)
	for c.shown("a") != "good, preflight_running" || c.shown("c") != "nothing preparing, preflight_running" {
		c.take(ctx, <-c.inbox.messages)
	}
	set = configured(map[string]string{"a": "loop", "b": "good 2", "c": "loop 2"})
	c.takeSet(ctx, set)
	for c.shown("b") != "good 2" {
		c.take(ctx, <-c.inbox.messages)
	}
	if c.shown("a") != "good, preflight_running" {
		t.Errorf("the looping filter: %s", c.shown("a"))
	}
	close(x.loop)
	for c.shown("a") != "loop" || c.shown("c") != "loop 2" {
		c.take(ctx, <-c.inbox.messages)
	}
}

// A good new filter shows no stand-in for the moment of its check.
func TestAFreshFilterIsNotPublishedTwice(t *testing.T) {
	c := newChecked(&fakeSandbox{})
	c.takeAndWait(configured(map[string]string{"a": "good"}))
	before, published := c.view.Snapshot.Version(), 0
	ctx := context.Background()
	c.takeSet(ctx, configured(map[string]string{"a": "good", "b": "good"}))
	for c.reading()+c.view.Specs.Checks().Queue.Len() > 0 {
		c.take(ctx, <-c.inbox.messages)
		if now := c.view.Snapshot.Version(); now != before {
			before = now
			published++
		}
	}
	if published != 1 || c.shown("b") != "good" {
		t.Errorf("%d snapshots, %s", published, c.shown("b"))
	}
}

// On a busy machine, a check must not begin again after half a second of waiting.
func TestAThousandFiltersAreTriedOnce(t *testing.T) {
	synctest.Test(t, triedOnce)
}

func triedOnce(t *testing.T) {
	t.Helper()
	const n = 1000
	configs := map[string]string{}
	for i := range n {
		configs[fmt.Sprintf("filter-%04d", i)] = fmt.Sprint("good ", i)
	}
	x, disk := &fakeSandbox{}, &memoryDisk{files: map[string][]byte{}}
	start := func(change ...func(*Config)) *Control {
		c := newChecked(x, append(change, func(cfg *Config) { cfg.Files = disk })...)
		c.takeAndWait(configured(configs))
		c.saves.last()
		if c.view.Snapshot.Len() != n {
			t.Fatalf("%d filters are served", c.view.Snapshot.Len())
		}
		return c
	}
	start()
	if got := x.count(); got != n {
		t.Fatalf("%d runs at first", got)
	}
	start()
	if got := x.count() - n; got != 0 {
		t.Errorf("%d runs after a restart", got)
	}
	for _, change := range []struct {
		name string
		do   func()
		cfg  func(*Config)
	}{
		{"another sandbox", func() {}, func(cfg *Config) { cfg.Sandbox = "two" }},
		{"what is no JSON", func() { disk.files[findingsFile] = []byte("{") }, func(*Config) {}},
		{"another format", func() { disk.files[findingsFile] = []byte(`{"format": 99, "sandbox": "one"}`) }, func(*Config) {}},
		{"a file that is gone", func() { delete(disk.files, findingsFile) }, func(*Config) {}},
	} {
		before := x.count()
		change.do()
		start(change.cfg)
		if got := x.count() - before; got != n {
			t.Errorf("%s: %d runs", change.name, got)
		}
		start(change.cfg)
		if got := x.count() - before; got != n {
			t.Errorf("after %s: %d runs", change.name, got-n)
		}
	}
	if text := string(disk.files[findingsFile]); strings.Contains(text, "good") {
		t.Error("configurations are in the file")
	}
}

// one emits a single set.
type one struct{ set source.Set }

func (o one) Run(ctx context.Context, publish func(source.Set)) error {
	publish(o.set)
	<-ctx.Done()
	return nil
}

// After a check on a busy machine, a good filter goes live without any action.
func TestATimeoutDoesNotLast(t *testing.T) {
	for _, tt := range []struct {
		mode                 examine.Mode
		refused, tried, good string
	}{
		{examine.Enforce, "nothing, error step_timeout", "nothing, error step_timeout", "slow"},
		{examine.Warn, "slow, warning step_timeout", "slow, warning step_timeout", "slow"},
	} {
		synctest.Test(t, func(t *testing.T) {
			x, disk := &fakeSandbox{}, &memoryDisk{files: map[string][]byte{}}
			c := newChecked(x, func(cfg *Config) {
				cfg.Files, cfg.Preflight = disk, tt.mode
				cfg.Source = one{configured(map[string]string{"a": "slow"})}
			})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- c.Run(ctx, nobody{}) }()
			shown := func(want, runs string) {
				t.Helper()
				synctest.Wait()
				NewAPI(c).ask(func(*report.View) {
					if got := c.shown("a"); got != want {
						t.Errorf("%s: %q, want %q", tt.mode, got, want)
					}
					if n := fmt.Sprint(x.count()); n != runs {
						t.Errorf("%s: %s runs, want %s", tt.mode, n, runs)
					}
				})
			}
			shown(tt.refused, "2") // the second run starts at once: the sandbox is idle
			again := time.Now().Add(retryPauses().First).Format(time.TimeOnly)
			NewAPI(c).ask(func(*report.View) {
				if e := c.view.Plan.Problems["a"]; e != nil && !strings.HasSuffix(e.Message, "it is tried again at "+again) {
					t.Errorf("the error is %+v", e)
				}
			})
			time.Sleep(retryPauses().First - time.Millisecond)
			shown(tt.tried, "2")
			time.Sleep(2 * time.Millisecond)
			shown(tt.good, "3")
			time.Sleep(retryPauses().Most)
			shown(tt.good, "3")
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
			if text := string(disk.files[findingsFile]); strings.Contains(text, "step_timeout") || !strings.Contains(text, `"key"`) {
				t.Errorf("saved are %s", text)
			}
		})
	}
}
