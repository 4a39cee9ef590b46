package control

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/module"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// storedModules stores a different module for each call.
type storedModules struct {
	store *module.Store
	n     atomic.Int64
}

func (m *storedModules) ResolveSpec(ctx context.Context, _ *spec.Spec) (snapshot.Module, *spec.Error) {
	put, err := m.store.Put(ctx, strings.NewReader(fmt.Sprint("module ", m.n.Add(1))), 100)
	if err != nil {
		return put, &spec.Error{Message: err.Error()}
	}
	return put, nil
}

func (*storedModules) ResolveTag(context.Context, spec.Module) (string, *spec.Error) { return "", nil }

// accepting is an Envoy that accepts every push.
type accepting struct{ *Control }

func (a accepting) Send(s delivery.Send) {
	a.inbox.post(delivery.Requested{Stream: s.Stream, Answer: &delivery.Answer{Name: s.Name}})
}

func (accepting) Prepare(delivery.Send)                  {}
func (accepting) End(delivery.StreamID, delivery.Budget) {}

// takeAll takes a set, and waits for all consequences, with the Envoy's answers.
func (c *Control) takeAll(set source.Set) {
	c.takeAndWait(set)
	for len(c.inbox.messages) > 0 || c.saves.state.Running() || c.saves.unsettled.Running() {
		c.take(context.Background(), <-c.inbox.messages)
	}
	c.workers.Wait()
}

// After many edits, the store has the modules of the last revisions: a module for each revision,
// or fewer where revisions share a module.
func TestWhatManyEditsLeaveInTheStore(t *testing.T) {
	const filters, edits, revisions = 3, 40, 11 // the current revision, and ten earlier ones
	for _, tt := range []struct {
		name    string
		edit    func(set source.Set, i, n int) source.Set
		modules int // of each filter, at most
	}{
		{"a module each", func(set source.Set, i, n int) source.Set { return rebuilt(set, i, fmt.Sprint(n)) }, revisions},
		{"a module and a configuration in turn", func(set source.Set, i, n int) source.Set {
			if n%2 == 0 {
				return edited(set, i, fmt.Sprint(n))
			}
			return rebuilt(set, i, fmt.Sprint(n))
		}, revisions},
		{"a configuration each", func(set source.Set, i, n int) source.Set { return edited(set, i, fmt.Sprint(n)) }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			store, err := module.OpenStore(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			c := New(Config{
				Modules: &storedModules{store: store}, Store: store, StandIns: builtin.NewCache(), Files: noDisk{},
				Delivery: spec.Inline, Logger: zap.NewNop(),
			})
			c.deliverer.sender = accepting{c}
			set := directoryOf(filters)
			c.takeAll(set)
			c.deliverer.step(delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
			for _, s := range set.Specs {
				c.deliverer.step(delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{{Name: s.Name}}})
			}
			c.takeAll(set)
			now := time.Now()
			for n := range edits {
				for i := range filters {
					set = tt.edit(set, i, n)
					c.takeAll(set)
				}
				now = now.Add(collectEvery)
				c.collectAt(now)
			}
			for _, s := range set.Specs {
				if got := len(c.view.Machine.History(s.Name)); got != revisions {
					t.Fatalf("%d revisions of %s, want %d", got, s.Name, revisions)
				}
			}
			age(t, dir)
			c.collectAt(now.Add(collectGrace))
			named := map[string]struct{}{}
			for _, r := range c.view.Machine.Revisions() {
				named[r.Module.SHA256] = struct{}{}
			}
			if got := modulesIn(t, dir); len(got) != len(named) || len(got) > filters*tt.modules {
				t.Errorf("%d modules are left, want %d: %v", len(got), len(named), got)
			}
			for _, r := range c.view.Machine.Revisions() {
				if !store.Has(r.Module.SHA256) {
					t.Errorf("the module of revision %s is gone", r.ID)
				}
			}
		})
	}
}

// collectAt collects as if the state were saved by then.
func (c *Control) collectAt(now time.Time) {
	c.saves.state = persist.Schedule{}
	c.collect(now)
	c.workers.Wait()
}

// age makes the modules older than any running job.
func age(t *testing.T, dir string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	for _, name := range modulesIn(t, dir) {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
}

func modulesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".wasm") {
			names = append(names, e.Name())
		}
	}
	return names
}
