package control

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// fixedSource emits a single set.
type fixedSource struct{ set source.Set }

func (s fixedSource) Run(ctx context.Context, emit func(source.Set)) error {
	emit(s.set)
	<-ctx.Done()
	return ctx.Err()
}

// slowDisk saves the state at once. A write of the unsettled nodes waits until the test releases
// it.
type slowDisk struct {
	saved chan struct{} // one message for each save of the state
	asked chan string   // the text, for each write that waits
	let   chan struct{}
}

func newSlowDisk() slowDisk {
	return slowDisk{saved: make(chan struct{}, 10), asked: make(chan string, 10), let: make(chan struct{})}
}

// run runs a control on the disk, until stop is called.
func (d slowDisk) run(t *testing.T, c *Control, sender Sender) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(ctx, sender)
	}()
	return func() {
		cancel()
		close(d.let)
		<-ended
	}
}

func (d slowDisk) Write(_ string, data []byte) error {
	d.asked <- string(data)
	<-d.let
	return nil
}

func (d slowDisk) Save(string, []byte) error {
	d.saved <- struct{}{}
	return nil
}
func (slowDisk) Sync(string) error           { return nil }
func (slowDisk) Load(string) ([]byte, error) { return nil, fs.ErrNotExist }

type anyModule struct{}

func (anyModule) ResolveTag(context.Context, spec.Module) (string, *spec.Error) { return "", nil }

func (anyModule) ResolveSpec(context.Context, *spec.Spec) (snapshot.Module, *spec.Error) {
	return snapshot.Module{SHA256: "00", Size: 1}, nil
}

type noCollector struct{}

func (noCollector) Sync() error { return nil }

func (noCollector) Read(string) ([]byte, error) { return nil, nil }

func (noCollector) Collect(func(string) bool, time.Duration) (int, error) { return 0, nil }

type sends chan delivery.Send

func (s sends) Send(a delivery.Send)                 { s <- a }
func (sends) Prepare(delivery.Send)                  {}
func (sends) End(delivery.StreamID, delivery.Budget) {}

// A crash after a push must find the canary on disk.
func TestWhatNoEnvoyHasLoadedWaitsForTheDisk(t *testing.T) {
	const name, node, runtime = "auth", "edge", "envoy.wasm.runtime.v8"
	disk := newSlowDisk()
	c := New(Config{
		Source: fixedSource{source.Set{Specs: []*spec.Spec{{
			Name: name, Type: spec.HTTP, Module: spec.Module{File: &spec.FileRef{Path: "/auth.wasm"}},
			VM: spec.VM{Runtime: runtime}, Canary: spec.Canary{Count: 1},
		}}}},
		Modules: anyModule{}, Store: noCollector{}, StandIns: builtin.NewCache(), Files: disk, Logger: zap.NewNop(),
	})
	sent := make(sends, 10)
	stop := disk.run(t, c, sent)
	<-disk.saved // the snapshot is there
	c.Handle(t.Context(), delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: node, Version: "1.40.0"}, ADS: true, Delta: true})
	c.Handle(t.Context(), delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{{Name: name}}})
	if record := <-disk.asked; !strings.Contains(record, node) {
		t.Errorf("what is written does not know of the canary: %s", record)
	}
	NewAPI(c).Filters() // the earlier messages of the inbox are done
	select {
	case a := <-sent:
		t.Errorf("%s was sent before the disk knew of it", a.Version)
		sent <- a
	default:
	}
	disk.let <- struct{}{}
	if a := <-sent; a.Name != name || a.Revision.BuiltIn {
		t.Errorf("what was sent is %+v", a)
	}
	stop()
}

// A node that has settled leaves the record soon, although nothing waits for that.
func TestTheRecordFollowsWithoutAWaiter(t *testing.T) {
	disk := newSlowDisk()
	close(disk.let)
	c := newChecked(nil, func(cfg *Config) { cfg.Files = disk })
	now := time.Now()
	c.saves.start(now)
	if len(disk.asked) != 0 {
		t.Error("without a change, the record is written")
	}
	c.saves.unsettled.Soon(now)
	c.saves.start(c.saves.unsettled.Due())
	c.workers.Wait()
	if len(disk.asked) != 1 || !c.saves.unsettled.Due().IsZero() {
		t.Errorf("the record is written %d times, and is due at %v", len(disk.asked), c.saves.unsettled.Due())
	}
}

// toldSource emits the sets that a test sends.
type toldSource chan source.Set

func (s toldSource) Run(ctx context.Context, emit func(source.Set)) error {
	for {
		select {
		case set := <-s:
			emit(set)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// The log line of a change comes after its push, because users wait for the push.
func TestAChangeIsLoggedAfterItsPush(t *testing.T) {
	const name = "auth"
	told, sent := make(toldSource, 1), make(sends, 10)
	disk := newSlowDisk()
	logs, logged := observer.New(zap.InfoLevel)
	c := newChecked(nil, func(cfg *Config) { cfg.Source, cfg.Files, cfg.Logger = told, disk, zap.New(logs) })
	stop := disk.run(t, c, sent)
	c.Handle(t.Context(), delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
	c.Handle(t.Context(), delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{{Name: name}}})
	<-sent // a stand-in, since no spec has the name yet
	c.Handle(t.Context(), delivery.Requested{Stream: 1, Answer: &delivery.Answer{Name: name}})
	told <- configured(map[string]string{name: "one"})
	<-disk.asked
	NewAPI(c).Filters() // earlier work is done
	changes := logged.FilterMessage("a filter changed")
	if changes.Len() > 0 {
		t.Errorf("logged before the push: %v", changes.All())
	}
	disk.let <- struct{}{}
	<-sent
	NewAPI(c).Filters()
	NewAPI(c).Filters()
	if changes = logged.FilterMessage("a filter changed"); changes.Len() != 1 {
		t.Errorf("%d changes are logged after the push", changes.Len())
	}
	stop()
}
