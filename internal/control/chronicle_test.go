package control

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// savedFiles keeps files in memory.
type savedFiles struct {
	mu    sync.Mutex
	files map[string][]byte
	saves map[string]int
}

func (d *savedFiles) Save(name string, data []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[name] = data
	d.saves[name]++
	return nil
}
func (d *savedFiles) Write(name string, data []byte) error { return d.Save(name, data) }
func (d *savedFiles) Sync(string) error                    { return nil }
func (d *savedFiles) Load(name string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if text, ok := d.files[name]; ok {
		return text, nil
	}
	return noDisk{}.Load(name)
}

// measuring is an appraiser that counts measurements.
type measuring struct{ measured chan string }

func (measuring) Imports(string) []string { return []string{"env.proxy_log"} }
func (m measuring) Cost(_ context.Context, s *spec.Spec, _ snapshot.Module, _ *string) *api.ModuleCost {
	m.measured <- s.Name
	return &api.ModuleCost{Requests: 1}
}

// historyOf returns the history of a filter, once the control has nothing to do.
func historyOf(t *testing.T, c *Control, name string) api.History {
	t.Helper()
	synctest.Wait()
	h, ok := NewAPI(c).History(name)
	if !ok {
		t.Fatalf("%s has no history", name)
	}
	return h
}

// A server without a record yet takes the revisions of its state into the record. The record is
// written about a second after a change, and a cost is measured after ten quiet seconds.
func TestTheRecordBeginsWithTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &savedFiles{files: map[string][]byte{}, saves: map[string]int{}}
		appraiser := measuring{make(chan string, 10)}
		run := func(history int, configs ...string) (*Control, func()) {
			told := make(toldSource)
			c := New(Config{
				Source: told, Modules: anyModule{}, Store: noCollector{}, StandIns: builtin.NewCache(), Files: disk, Logger: zap.NewNop(),
				History: history, Appraiser: appraiser,
			})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = c.Run(ctx, nobody{})
			}()
			for _, config := range configs {
				told <- configured(map[string]string{"auth": config})
				synctest.Wait()
			}
			return c, func() {
				cancel()
				<-ended
			}
		}
		c, stop := run(0, "first")
		if h := historyOf(t, c, "auth"); len(h.Revisions) != 1 || h.Revisions[0].Outcome != "" {
			t.Errorf("without a record: %+v", h.Revisions)
		}
		time.Sleep(2 * time.Second)
		stop()
		for name := range disk.files {
			if strings.HasPrefix(name, "history") {
				t.Errorf("without a record, there is %s", name)
			}
		}

		c, stop = run(5, "first", "second")
		time.Sleep(2 * time.Second)
		h := historyOf(t, c, "auth")
		if len(h.Revisions) != 2 || h.Revisions[0].Previous != h.Revisions[1].Revision || len(h.Revisions[0].Diff) == 0 || h.Revisions[0].Module.Imports == nil {
			t.Errorf("with a record: %+v", h.Revisions)
		}
		if d, problem := NewAPI(c).Diff("auth", "", ""); problem != nil || len(d.Diff) == 0 {
			t.Errorf("the difference: %+v, %v", d, problem)
		}
		if len(appraiser.measured) > 0 {
			t.Error("a cost is measured right after an edit")
		}
		time.Sleep(appraiseAfter)
		if h := historyOf(t, c, "auth"); h.Revisions[0].Module.Cost == nil || len(appraiser.measured) != 1 {
			t.Errorf("%d measurements: %+v", len(appraiser.measured), h.Revisions)
		}
		stop()
		state := len(disk.files["state.json"])
		c, stop = run(5, "second")
		if again := historyOf(t, c, "auth"); len(again.Revisions) != 2 || again.Revisions[0].Module.Cost == nil || again.Revisions[0].Diff == nil {
			t.Errorf("after a restart: %+v", again.Revisions)
		}
		stop()
		if now := len(disk.files["state.json"]); now > state+50 {
			t.Errorf("the record is in the state: %d bytes, before %d", now, state)
		}
	})
}
