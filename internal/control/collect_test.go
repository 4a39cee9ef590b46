package control

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/persist"
	"github.com/wasm-xds/wasm-xds/internal/track"
)

// collector notes the modules to keep, and the least age of modules to remove.
type collector struct {
	noCollector
	keep      func(string) bool
	olderThan time.Duration
	calls     int
}

func (s *collector) Collect(keep func(string) bool, olderThan time.Duration) (int, error) {
	s.keep, s.olderThan, s.calls = keep, olderThan, s.calls+1
	return 0, nil
}

func TestModulesGoWhenNothingNamesThemForAWhile(t *testing.T) {
	store, modules := &collector{}, &countedModules{}
	c := New(Config{Modules: modules, Store: store, StandIns: builtin.NewCache(), Files: noDisk{}, Logger: zap.NewNop()})
	c.deliverer.sender = nobody{}
	sum := func() string { return fmt.Sprintf("%064x", modules.n.Load()) }
	collect := func(now time.Time) {
		t.Helper()
		before := store.calls
		c.saves.state = persist.Schedule{} // nothing is left to save
		c.collect(now)
		c.workers.Wait()
		if store.calls != before+1 {
			t.Fatalf("%d calls of the store", store.calls-before)
		}
	}
	set := directoryOf(1)
	c.takeAndWait(set)
	first, now := sum(), time.Now()
	collect(now)
	if !store.keep(first) || c.Serves("00") || !c.Serves(first) {
		t.Error("the served module is not kept")
	}

	c.takeAndWait(rebuilt(set, 0, "seen again"))
	second := sum()
	for _, tt := range []struct {
		after time.Duration
		kept  bool
	}{{time.Second, true}, {collectGrace - time.Second, true}, {collectGrace + time.Second, false}} {
		collect(now.Add(tt.after))
		if store.keep(first) != tt.kept || c.Serves(first) != tt.kept || !store.keep(second) {
			t.Errorf("after %v: the former module is kept: %t, want %t", tt.after, !tt.kept, tt.kept)
		}
		if c.garbage.due.IsZero() == tt.kept {
			t.Errorf("after %v: the next look is due %v", tt.after, c.garbage.due)
		}
	}
}

func TestModulesOfReadsAreNotCollected(t *testing.T) {
	store := &collector{}
	c := New(Config{Modules: anyModule{}, Store: store, StandIns: builtin.NewCache(), Files: noDisk{}, Logger: zap.NewNop()})
	now := time.Now()
	set := directoryOf(1)
	c.view.Specs.TakeSet(&set)
	c.view.Specs.Advance(now.Add(-time.Hour))
	more := directoryOf(2)
	c.view.Specs.TakeSet(&more)
	c.view.Specs.Advance(now.Add(-time.Minute))
	c.collect(now)
	c.workers.Wait()
	if store.olderThan < time.Hour {
		t.Errorf("what is older than %v goes", store.olderThan)
	}
	for _, task := range slices.Collect(c.view.Specs.Running) {
		c.view.Specs.TakeResult(task, track.Result{}, now)
	}
	c.collect(now)
	c.workers.Wait()
	if store.olderThan > time.Minute {
		t.Errorf("without a read, only what is older than %v goes", store.olderThan)
	}
}

func TestNothingIsCollectedThatTheStateOnDiskMayName(t *testing.T) {
	store := &collector{}
	c := New(Config{Modules: anyModule{}, Store: store, StandIns: builtin.NewCache(), Files: noDisk{}, Logger: zap.NewNop()})
	for name, when := range map[string]func(){
		"a save is under way":             func() { c.saves.state.Await(time.Now()); c.saves.state.Begin(time.Now()) },
		"a save is due":                   func() { c.saves.state.Await(time.Now()) },
		"the directory has not been read": func() { c.view.FromState = true },
	} {
		c.saves.state, c.view.FromState = persist.Schedule{}, false
		when()
		c.collect(time.Now())
		c.workers.Wait()
		if store.calls > 0 {
			t.Fatal(name)
		}
	}
}
