package resource

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// slowModules takes a second to read a module, and counts the concurrent reads.
type slowModules struct{ now, most atomic.Int64 }

func (m *slowModules) Read(string) ([]byte, error) {
	now := m.now.Add(1)
	defer m.now.Add(-1)
	for most := m.most.Load(); now > most && !m.most.CompareAndSwap(most, now); most = m.most.Load() {
	}
	time.Sleep(time.Second)
	return []byte("module"), nil
}

// sized is a send of a revision of its own, with a module of that size.
func sized(i int, size int64, variant delivery.Variant) delivery.Send {
	s := send("auth", salt1)
	s.Revision = (&snapshot.Revision{
		Filter: "auth", Type: spec.HTTP, Policy: spec.Closed,
		Module: snapshot.Module{SHA256: fmt.Sprintf("%064x", i), Size: size}, VM: snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
	}).Seal()
	s.Version.Revision, s.Version.Variant = s.Revision.ID, variant
	return s
}

func TestBuildsWaitForMemory(t *testing.T) {
	const memory = 90
	for name, c := range map[string]struct {
		sizes   []int64 // a build needs three times as much
		variant delivery.Variant
		most    int64         // concurrent builds
		took    time.Duration // by all builds
	}{
		"all fit":                      {[]int64{10, 10, 10}, delivery.Inline, 3, time.Second},
		"two at a time":                {[]int64{15, 15, 15, 15}, delivery.Inline, 2, 2 * time.Second},
		"one is larger than all of it": {[]int64{1000}, delivery.Inline, 1, time.Second},
		"many are larger":              {[]int64{1000, 2000, 3000}, delivery.Inline, 1, 3 * time.Second},
		"large and small":              {[]int64{1000, 1, 1000, 1}, delivery.Inline, 0, 0}, // in any order
		"without a size":               {[]int64{0, 0, 0}, delivery.Inline, 3, time.Second},
		"no module in it":              {[]int64{1000, 1000, 1000}, delivery.File, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				modules := &slowModules{}
				b := NewBuilder(modules, Addresses{ModulesDir: "/modules"}, memory)
				begun := time.Now()
				var all sync.WaitGroup
				for i, size := range c.sizes {
					all.Go(func() {
						if r, err := b.Build(t.Context(), sized(i, size, c.variant)); err != nil || r == nil {
							t.Errorf("build %d: %v, %v", i, r, err)
						}
					})
				}
				all.Wait()
				if took := time.Since(begun); c.took > 0 && took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if most := modules.most.Load(); c.most > 0 && most != c.most {
					t.Errorf("%d builds at a time, want %d", most, c.most)
				}
				time.Sleep(3 * idleAfter) // the cache is swept
				if !b.building.TryAcquire(memory) {
					t.Error("memory was not given back")
				}
			})
		})
	}
}

// TestBuildsThatFailGiveTheirMemoryBack: so do builds that wait when the process ends.
func TestBuildsThatFailGiveTheirMemoryBack(t *testing.T) {
	b := NewBuilder(rottenModules{}, Addresses{}, 90)
	for i := range 10 {
		if _, err := b.Build(t.Context(), sized(i, 30, delivery.Inline)); err == nil || !strings.Contains(err.Error(), "rotten") {
			t.Fatal(err)
		}
	}
	if !b.building.TryAcquire(90) {
		t.Fatal("memory was not given back")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Build(ctx, sized(1, 30, delivery.Inline)); !errors.Is(err, context.Canceled) {
		t.Errorf("at the end: %v", err)
	}
}

type rottenModules struct{}

func (rottenModules) Read(string) ([]byte, error) { return nil, errors.New("rotten") }

// TestASaltCostsNoCopyOfTheModule: an Envoy with remote code, or with a resource to mend, has a
// salt of its own, and all resources share the module's bytes.
func TestASaltCostsNoCopyOfTheModule(t *testing.T) {
	b, a := built100KB(t)
	one := b.Cached(a)
	a.Version.Salt = salt2
	other := b.Cached(a)
	large := func(r *wire.Resource) []byte {
		for _, piece := range wire.Delta([]*wire.Resource{r}, "1") {
			if piece.Len() > 90_000 {
				return piece.ReadOnlyData()
			}
		}
		t.Fatal("the resource has no large piece")
		return nil
	}
	if one == other || &large(one)[0] != &large(other)[0] {
		t.Error("the module was copied for another salt")
	}
}
