package control

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// choosyEnvoy refuses the revisions with a configuration that begins with "refused".
type choosyEnvoy struct{ *Control }

func (e choosyEnvoy) Send(s delivery.Send) {
	for _, r := range append([]delivery.Resource{s.Resource}, s.Others...) {
		if c := r.Revision.Config; c != nil && strings.HasPrefix(*c, "refused") {
			e.inbox.post(delivery.Requested{Stream: s.Stream, Answer: &delivery.Answer{Name: s.Name, Nack: true, Message: "it does not load"}})
			return
		}
	}
	e.inbox.post(delivery.Requested{Stream: s.Stream, Answer: &delivery.Answer{Name: s.Name}})
}

func (choosyEnvoy) Prepare(delivery.Send)                  {}
func (choosyEnvoy) End(delivery.StreamID, delivery.Budget) {}

// tally counts the outcomes.
type tally struct {
	noMetrics
	converged int
	counts    map[string]int
}

func (m *tally) Converged(string, time.Duration) { m.converged++ }
func (m *tally) RolloutEnded(outcome string)     { m.counts["rollout "+outcome]++ }
func (m *tally) Refused(cause api.Cause)         { m.counts["refused "+string(cause)]++ }

// TestNotableEvents follows a filter through its edits. Each event comes once.
func TestNotableEvents(t *testing.T) {
	var got []string
	metrics := &tally{counts: map[string]int{}}
	c := newChecked(&fakeSandbox{}, func(cfg *Config) {
		cfg.Delivery, cfg.Metrics = spec.Inline, metrics
		cfg.Notify = func(e api.Event) {
			if e.Message == "" || e.Time.IsZero() {
				t.Errorf("an event without a message or a time: %+v", e)
			}
			got = append(got, fmt.Sprintf("%s %s %s", e.Type, e.Name, e.Cause))
		}
	})
	c.deliverer.sender = choosyEnvoy{c}
	var stream delivery.StreamID
	connect := func() {
		stream++
		c.deliverer.step(delivery.StreamOpened{Stream: stream, Node: delivery.Node{ID: fmt.Sprint("edge-", stream), Version: "1.40.0"}, ADS: true, Delta: true})
		c.deliverer.step(delivery.Requested{Stream: stream, Subscribe: []delivery.Subscription{{Name: "auth"}}})
	}
	config := func(text string) { c.takeAll(configured(map[string]string{"auth": text, "other": "good"})) }
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"specs without Envoys", func() { config("good") }, nil},
		{"the first Envoy", func() { connect(); config("good") }, []string{"live auth "}},
		{"an edit", func() { config("good 2") }, []string{"live auth "}},
		{"another Envoy", func() { connect(); config("good 2") }, nil},
		{"a refusal by the sandbox", func() { config("bad") }, []string{"refused auth sandbox"}},
		{"the same content again", func() { config("bad") }, nil},
		{"a refusal by an Envoy", func() { config("refused") }, []string{"refused auth envoy"}},
		{"the next edit", func() { config("good 3") }, []string{"live auth "}},
		{"a rollback by hand", func() {
			if _, e := rollBack(c, "auth", "", false, "ann"); e != nil {
				t.Error(e)
			}
			config("good 3")
		}, []string{"rolled_back auth hand", "live auth "}},
		{"a broken document", func() {
			c.takeAll(source.Set{Specs: c.view.Specs.Set().Specs, References: c.view.Specs.Set().References, Errors: []*spec.Error{{
				Code: "unknown_field", Message: "there is no field `x`", Pos: spec.Position{File: "x.yaml", Line: 1},
			}}})
		}, []string{"refused x.yaml spec"}},
		{"an unreadable source", func() {
			lost := source.Set{Unavailable: &spec.Error{Code: "unreadable", Message: "no such directory"}}
			c.takeAll(lost)
			c.takeAll(lost)
		}, []string{"source_lost  "}},
		{"the source again", func() { config("good 3") }, []string{"source_back  "}},
	}
	for _, s := range steps {
		got = nil
		s.do()
		if diff := cmp.Diff(s.want, got); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
	want := map[string]int{
		"rollout live": 4, "rollout refused": 1,
		"refused sandbox": 1, "refused envoy": 1, "refused spec": 1,
	}
	if diff := cmp.Diff(want, metrics.counts); diff != "" {
		t.Error(diff)
	}
	if metrics.converged != 3 { // the first Envoy came after the edit
		t.Errorf("%d convergences, want 3", metrics.converged)
	}
}

// TestARestartIsNoNews: a revision that was live before the start is not announced again.
func TestARestartIsNoNews(t *testing.T) {
	disk := &memoryDisk{files: map[string][]byte{}}
	events := 0
	start := func() *Control {
		c := newChecked(nil, func(cfg *Config) {
			cfg.Delivery, cfg.Files = spec.Inline, disk
			cfg.Notify = func(api.Event) { events++ }
		})
		c.deliverer.sender = choosyEnvoy{c}
		c.deliverer.step(delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
		c.deliverer.step(delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{{Name: "auth"}}})
		c.takeAll(configured(map[string]string{"auth": "good"}))
		c.startDue(context.Background())
		c.saves.last()
		c.workers.Wait()
		return c
	}
	start()
	if events != 1 {
		t.Fatalf("%d events before the restart, want 1", events)
	}
	if start(); events != 1 {
		t.Errorf("%d events, want 1", events)
	}
}
