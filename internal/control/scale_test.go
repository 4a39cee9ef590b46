package control

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// noDisk forgets what it is told to keep.
type noDisk struct{}

func (noDisk) Save(string, []byte) error   { return nil }
func (noDisk) Load(string) ([]byte, error) { return nil, fs.ErrNotExist }

type nobody struct{}

func (nobody) Send(delivery.Send) {}

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

// edited is the set with another configuration in one spec.
func edited(set source.Set, i int, config string) source.Set {
	set.Specs = slices.Clone(set.Specs)
	set.Specs[i] = scaledSpec(i, config)
	set.References = maps.Clone(set.References)
	return set
}

func newScaled(n int) (*Control, source.Set) {
	c := New(Config{Modules: anyModule{}, Store: noCollector{}, StandIns: NewStandIns(), Files: noDisk{}, Logger: zap.NewNop()})
	c.sender = nobody{}
	set := directoryOf(n)
	c.takeAndWait(set)
	return c, set
}

// takeAndWait takes a set and all that follows from it.
func (c *Control) takeAndWait(set source.Set) {
	ctx := context.Background()
	c.takeSet(ctx, set)
	for len(c.running) > 0 || c.saving || c.unsettled.saving {
		c.take(ctx, <-c.inbox)
	}
	c.workers.Wait()
}

// BenchmarkEdit is one edit among many specs, until what it means for Envoys is known
// (the state that is written behind is counted, too).
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, set := newScaled(n)
			ctx := context.Background()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				set = edited(set, n/2, fmt.Sprint("edit", i))
				c.takeSet(ctx, set)
				b.StopTimer()
				for c.saving || len(c.running) > 0 {
					c.take(ctx, <-c.inbox)
				}
				b.StartTimer()
			}
		})
	}
}
