package control

import (
	"context"
	"io/fs"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// fixedSource says one set, and then nothing.
type fixedSource struct{ set source.Set }

func (s fixedSource) Run(ctx context.Context, emit func(source.Set)) error {
	emit(s.set)
	<-ctx.Done()
	return ctx.Err()
}

// slowDisk saves only when it is let.
type slowDisk struct {
	asked chan struct{} // one value per save that waits
	let   chan struct{}
}

func (d slowDisk) Save(string, []byte) error {
	d.asked <- struct{}{}
	<-d.let
	return nil
}
func (d slowDisk) Write(name string, data []byte) error { return d.Save(name, data) }
func (slowDisk) Sync(string) error                      { return nil }
func (slowDisk) Load(string) ([]byte, error)            { return nil, fs.ErrNotExist }

type anyModule struct{}

func (anyModule) ResolveTag(context.Context, spec.Module) (string, *spec.Error) { return "", nil }

func (anyModule) ResolveSpec(context.Context, *spec.Spec) (snapshot.Module, *spec.Error) {
	return snapshot.Module{SHA256: "00", Size: 1}, nil
}

type noCollector struct{}

func (noCollector) Sync() error { return nil }

func (noCollector) Collect(func(string) bool, time.Duration) (int, error) { return 0, nil }

// recordedDisk notes in which order things are written.
type recordedDisk struct{ done []string }

type recordedStore struct {
	noCollector
	disk *recordedDisk
}

func (s recordedStore) Sync() error { s.disk.done = append(s.disk.done, "modules"); return nil }

func (d *recordedDisk) Sync(n string) error { d.done = append(d.done, "sync "+n); return nil }
func (d *recordedDisk) Write(n string, _ []byte) error {
	d.done = append(d.done, "write "+n)
	return nil
}
func (d *recordedDisk) Save(n string, _ []byte) error { d.done = append(d.done, n); return nil }
func (d *recordedDisk) Load(string) ([]byte, error)   { return nil, fs.ErrNotExist }

// A state must not name modules that a power failure would take.
func TestModulesAreOnTheDiskBeforeTheStateThatNamesThem(t *testing.T) {
	disk := &recordedDisk{}
	c := New(Config{Store: recordedStore{disk: disk}, Files: disk, StandIns: NewStandIns(), Logger: zap.NewNop()})
	if err := c.write(c.state()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"modules", "sync " + unsettledFile, stateFile}; !slices.Equal(disk.done, want) {
		t.Errorf("written: %v, want %v", disk.done, want)
	}
}

type sends chan delivery.Send

func (s sends) Send(a delivery.Send) { s <- a }

// A crash after a push must find the canary on disk.
func TestWhatNoEnvoyHasLoadedWaitsForTheDisk(t *testing.T) {
	const name, runtime = "auth", "envoy.wasm.runtime.v8"
	disk := slowDisk{asked: make(chan struct{}, 10), let: make(chan struct{})}
	c := New(Config{
		Source: fixedSource{source.Set{Specs: []*spec.Spec{{
			Name: name, Type: spec.HTTP, Module: spec.Module{File: &spec.FileRef{Path: "/auth.wasm"}},
			VM: spec.VM{Runtime: runtime}, Canary: spec.Canary{Count: 1},
		}}}},
		Modules: anyModule{}, Store: noCollector{}, StandIns: NewStandIns(), Files: disk, Logger: zap.NewNop(),
	})
	sent := make(sends, 10)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(ctx, sent)
	}()
	<-disk.asked // the snapshot's own save
	c.Handle(delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
	c.Handle(delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{{Name: name}}})
	disk.let <- struct{}{}
	<-disk.asked // the save that knows of the canary
	c.Filters()  // whatever was in the inbox before has been seen to
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
	cancel()
	close(disk.let)
	<-ended
}
