package control

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// noDisk discards all files.
type noDisk struct{}

func (noDisk) Save(string, []byte) error   { return nil }
func (noDisk) Write(string, []byte) error  { return nil }
func (noDisk) Sync(string) error           { return nil }
func (noDisk) Load(string) ([]byte, error) { return nil, fs.ErrNotExist }

type nobody struct{}

func (nobody) Send(delivery.Send)                     {}
func (nobody) Prepare(delivery.Send)                  {}
func (nobody) End(delivery.StreamID, delivery.Budget) {}

// directoryOf is a set of n specs, each with a module of its own.
func directoryOf(n int) source.Set {
	set := source.Set{References: map[string]string{}}
	for i := range n {
		s := scaledSpec(i, "first")
		set.Specs = append(set.Specs, s)
		set.References[s.Module.File.Path] = "seen"
	}
	return set
}

func scaledSpec(i int, config string) *spec.Spec {
	return &spec.Spec{
		Name: fmt.Sprintf("filter-%05d", i), Type: spec.HTTP, File: fmt.Sprintf("filter-%05d.yaml", i), Config: &config,
		Module: spec.Module{File: &spec.FileRef{Path: fmt.Sprintf("/filters/%05d.wasm", i)}},
		VM:     spec.VM{Runtime: "envoy.wasm.runtime.v8"},
	}
}

// edited is the set with another configuration for the spec at i.
func edited(set source.Set, i int, config string) source.Set {
	set.Specs = slices.Clone(set.Specs)
	set.Specs[i] = scaledSpec(i, config)
	return set
}

// rebuilt is the set with another fingerprint for the module at i.
func rebuilt(set source.Set, i int, fingerprint string) source.Set {
	set.References = maps.Clone(set.References)
	set.References[set.Specs[i].Module.File.Path] = fingerprint
	return set
}

func newScaled(n int) (*Control, source.Set) {
	c := New(Config{Modules: anyModule{}, Store: noCollector{}, StandIns: builtin.NewCache(), Files: noDisk{}, Logger: zap.NewNop()})
	c.deliverer.sender = nobody{}
	set := directoryOf(n)
	c.takeAndWait(set)
	return c, set
}

// reading is the number of reads under way.
func (c *Control) reading() (n int) {
	for range c.view.Specs.Running {
		n++
	}
	return n
}

// takeAndWait takes a set, and waits for all consequences.
func (c *Control) takeAndWait(set source.Set) {
	ctx := context.Background()
	c.takeSet(ctx, set)
	for c.reading() > 0 || c.saves.state.Running() || c.saves.unsettled.Running() || c.view.Specs.Checks().Queue.Waits() {
		c.take(ctx, <-c.inbox.messages)
	}
	c.workers.Wait()
}

func TestAnEditLeavesTheRestAsItIs(t *testing.T) {
	c, set := newScaled(100)
	before := c.view.Snapshot
	c.takeAndWait(edited(set, 50, "second"))
	for i, f := range before.All() {
		if now := c.view.Snapshot.All()[i]; (now == f) != (i != 50) {
			t.Errorf("%s: %p, before %p", f.Name, now, f)
		}
	}
	if c.view.Snapshot.Version() == before.Version() {
		t.Error("another configuration makes no other snapshot")
	}
	c.takeAndWait(edited(set, 50, "first"))
	if c.view.Snapshot.Version() != before.Version() {
		t.Error("the way back does not lead to the snapshot of before")
	}
}

// countedModules counts the resolved modules; each call gives different bytes.
type countedModules struct{ n atomic.Int64 }

func (m *countedModules) ResolveSpec(context.Context, *spec.Spec) (snapshot.Module, *spec.Error) {
	return snapshot.Module{SHA256: fmt.Sprintf("%064x", m.n.Add(1)), Size: 1}, nil
}

func (m *countedModules) ResolveTag(context.Context, spec.Module) (string, *spec.Error) {
	return "", nil
}

func TestAModuleIsReadAgainWhereItMayBeAnother(t *testing.T) {
	c, set := newScaled(3)
	modules := &countedModules{}
	c.workers.modules = modules
	revision := func() string { return c.view.Snapshot.All()[1].Revision.ID }
	last := revision()
	for _, step := range []struct {
		name    string
		do      func()
		resolve int64
	}{
		{"the same set", func() { c.takeAndWait(set) }, 0},
		{"another fingerprint", func() {
			set = rebuilt(edited(set, 0, "first"), 1, "seen again")
			c.takeAndWait(set)
		}, 1},
		{"what the store had was damaged", func() {
			c.take(context.Background(), delivery.BuildFailed{})
			c.takeAndWait(set)
		}, 3},
	} {
		before := modules.n.Load()
		step.do()
		if n := modules.n.Load() - before; n != step.resolve {
			t.Errorf("%s: %d modules were read, want %d", step.name, n, step.resolve)
		}
		if now := revision(); (now != last) != (step.resolve > 0) {
			t.Errorf("%s: revision %s, before %s", step.name, now, last)
		} else {
			last = now
		}
	}
}

func TestResultsThatNothingNeedsAreForgotten(t *testing.T) {
	c, set := newScaled(3)
	for i := range 500 {
		set = rebuilt(edited(set, 1, "first"), 1, fmt.Sprint("seen ", i))
		c.takeAndWait(set)
	}
	n := 0
	c.view.Specs.Modules(func(string) { n++ })
	if n > 4*3+100+1 {
		t.Errorf("%d results are kept of 3 specs", n)
	}
}

// BenchmarkEdit is an edit among many specs, of a spec or of a module, until its meaning for
// Envoys is known. The write of the state in the background counts, too.
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		for kind, edit := range map[string]func(set source.Set, edit string) source.Set{
			"spec": func(set source.Set, edit string) source.Set { return edited(set, n/2, edit) },
			"module": func(set source.Set, edit string) source.Set {
				next := rebuilt(set, n/2, edit)
				next.Differs = &source.Difference{From: set.References, Paths: []string{set.Specs[n/2].Module.File.Path}}
				return next
			},
		} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				c, set := newScaled(n)
				ctx := context.Background()
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					b.StopTimer()
					set = edit(set, fmt.Sprint("edit", i))
					b.StartTimer()
					c.takeSet(ctx, set)
					for c.reading() > 0 {
						c.take(ctx, <-c.inbox.messages)
					}
					b.StopTimer()
					for c.saves.state.Running() {
						c.take(ctx, <-c.inbox.messages)
					}
					b.StartTimer()
				}
			})
		}
	}
}

// BenchmarkState is the save of the state after an edit among many filters, without a disk.
func BenchmarkState(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, set := newScaled(n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				set = edited(set, n/2, fmt.Sprint("edit", i))
				c.takeAndWait(set)
				b.StartTimer()
				if err := c.saves.writer.State(c.saves.contents()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The memory that an edit allocates must not grow with the number of specs, but for a few words
// per spec in the lists of a snapshot.
func TestWhatAnEditAllocates(t *testing.T) {
	allocated := func(n int) (objects, bytes uint64) {
		c, set := newScaled(n)
		const edits = 10
		var before, after runtime.MemStats
		for i := range edits + 1 {
			if i == 1 { // the first edit fills reused memory
				runtime.ReadMemStats(&before)
			}
			set = edited(set, n/2, fmt.Sprint("edit", i))
			c.takeAndWait(set)
		}
		runtime.ReadMemStats(&after)
		return (after.Mallocs - before.Mallocs) / edits, (after.TotalAlloc - before.TotalAlloc) / edits
	}
	few, _ := allocated(100)
	many, bytes := allocated(10_000)
	t.Logf("%d objects among 100 specs, %d with %d bytes among 10,000", few, many, bytes)
	if many > few+100 {
		t.Errorf("an edit makes %d objects among 10,000 specs, %d among 100", many, few)
	}
	if perSpec := bytes / 10_000; perSpec > 60 {
		t.Errorf("an edit takes %d bytes for each spec that it is not about", perSpec)
	}
}
