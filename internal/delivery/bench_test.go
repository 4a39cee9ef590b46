package delivery

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// crowd is a machine with many Envoys, which answer every response with an ACK.
type crowd struct {
	m       *Machine
	now     time.Time
	filters []*snapshot.Filter
	edits   int
	pushes  int
}

func newCrowd(envoys, filters int, canary spec.Canary) *crowd {
	c := &crowd{now: time.Unix(1000, 0)}
	c.m = New(Config{Epoch: 1, Substitutes: realStandIns{}}, Memory{}, c.now)
	for i := range filters {
		c.filters = append(c.filters, nil)
		c.want(i, canary)
	}
	c.answer(c.m.Step(c.now, SnapshotChanged{Snapshot: snapshot.New(c.filters)}))
	c.now = c.now.Add(time.Second)
	for i := range envoys {
		c.answer(c.connect(i, true))
	}
	return c
}

// connect has an Envoy ask for all filters in a request.
func (c *crowd) connect(i int, delta bool) []Action {
	id := StreamID(i + 1)
	node := Node{ID: "edge-" + strconv.Itoa(i), Version: "1.40.0"}
	c.m.Step(c.now, StreamOpened{Stream: id, Node: node, ADS: true, Delta: delta})
	subscriptions := make([]Subscription, 0, len(c.filters))
	for _, f := range c.filters {
		subscriptions = append(subscriptions, Subscription{Name: f.Name})
	}
	return c.m.Step(c.now, Requested{Stream: id, Subscribe: subscriptions})
}

// storm has many Envoys connect before any of them answers.
func (c *crowd) storm(envoys int, delta bool) {
	var sent []Action
	for i := range envoys {
		sent = append(sent, c.connect(i, delta)...)
	}
	c.answer(sent)
}

func (c *crowd) want(i int, canary spec.Canary) {
	c.edits++
	name := fmt.Sprintf("filter-%03d", i)
	c.filters[i] = &snapshot.Filter{
		Name: name, Type: spec.HTTP, Policy: spec.Closed, Delivery: spec.Inline, Canary: canary, OnRemove: spec.Keep,
		Revision: (&snapshot.Revision{
			Filter: name, Type: spec.HTTP, Policy: spec.Closed, RootID: fmt.Sprint(c.edits),
			Module: snapshot.Module{SHA256: fmt.Sprintf("%064x", 1), Size: 1000},
			VM:     snapshot.VM{Runtime: "envoy.wasm.runtime.v8"},
		}).Seal(),
	}
}

// answer ACKs all responses until nothing is sent any more.
func (c *crowd) answer(actions []Action) {
	var waiting []Send
	take := func(actions []Action) {
		for _, a := range actions {
			if send, ok := a.(Send); ok {
				c.pushes += 1 + len(send.Others)
				waiting = append(waiting, send)
			}
		}
	}
	take(actions)
	for len(waiting) > 0 {
		send := waiting[0]
		waiting = waiting[1:]
		take(c.m.Step(c.now, Requested{Stream: send.Stream, Answer: &Answer{Name: send.Name}}))
	}
}

// edit changes a filter and takes the change to every Envoy.
func (c *crowd) edit(canary spec.Canary) {
	c.want(len(c.filters)/2, canary)
	s := snapshot.New(c.filters)
	c.answer(c.m.Step(c.now, SnapshotChanged{Snapshot: s}))
}

// policies are the two kinds of a rollout: by a canary, and all at once.
func policies() map[string]spec.Canary {
	return map[string]spec.Canary{"canary": {Count: 1}, "all": {}}
}

// BenchmarkPush measures the machine's part of a push and the ACK.
func BenchmarkPush(b *testing.B) {
	for name, canary := range policies() {
		for _, envoys := range []int{1000, 5000} {
			b.Run(fmt.Sprintf("%s/%d", name, envoys), func(b *testing.B) {
				c := newCrowd(envoys, 10, canary)
				b.ReportAllocs()
				c.pushes = 0
				b.ResetTimer()
				for c.pushes < b.N || b.N == 1 && c.pushes == 0 {
					c.edit(canary)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(c.pushes), "ns/push")
			})
		}
	}
}

// BenchmarkConnect measures the machine's part of connecting an Envoy among many, with all filters
// in a request. No filter is known to load when the first Envoy connects.
func BenchmarkConnect(b *testing.B) {
	for name, canary := range policies() {
		for _, filters := range []int{10, 200} {
			b.Run(fmt.Sprintf("%s/%d", name, filters), func(b *testing.B) {
				b.ReportAllocs()
				newCrowd(b.N, filters, canary)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*filters), "ns/push")
			})
		}
	}
}

// BenchmarkStorm measures the machine's part of connecting many Envoys at the same time, each with
// all filters. No filter is known to load when the first Envoy connects.
func BenchmarkStorm(b *testing.B) {
	const envoys, filters = 1000, 200
	for mode, delta := range map[string]bool{"delta": true, "sotw": false} {
		b.Run(mode, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := newCrowd(0, filters, spec.Canary{})
				c.storm(envoys, delta)
				if n := c.m.Counts()[Live]; n != envoys*filters {
					b.Fatalf("%d are live", n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*envoys*filters), "ns/push")
		})
	}
}

// TestAllocationsPerPush bounds the garbage of a push and the ACK, which depends neither on the
// computer nor on the number of Envoys.
func TestAllocationsPerPush(t *testing.T) {
	const envoys, most = 500, 7
	for name, canary := range policies() {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(envoys, 10, canary)
			before := c.pushes
			all := testing.AllocsPerRun(5, func() { c.edit(canary) })
			pushes := (c.pushes - before) / 6 // one more round to warm up
			if pushes != envoys {
				t.Fatalf("%d pushes for %d Envoys", pushes, envoys)
			}
			if each := all / envoys; each > most {
				t.Errorf("%.1f allocations a push, at most %d", each, most)
			} else {
				t.Logf("%.1f allocations a push", each)
			}
		})
	}
}

// TestMemoryPerSubscriber bounds the memory of a subscriber: there are as many as filters times
// Envoys.
func TestMemoryPerSubscriber(t *testing.T) {
	const envoys, filters, most = 200, 200, 149 // bytes
	inUse := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.GC() // frees the memory in finalizers and pools
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	first := newCrowd(1, filters, spec.Canary{})
	before := inUse()
	c := newCrowd(envoys+1, filters, spec.Canary{})
	if each := (inUse() - before) / (envoys * filters); each > most {
		t.Errorf("%d bytes, at most %d", each, most)
	} else {
		t.Logf("%d bytes", each)
	}
	if n := c.m.Counts()[Live]; n != (envoys+1)*filters {
		t.Errorf("%d subscribers are live", n)
	}
	runtime.KeepAlive(first)
}
