package control

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// unreadable is an Envoy behind a disk that cannot be read before a given time.
type unreadable struct {
	*Control
	until time.Time
	sent  chan delivery.Send
	tries *[]time.Time
}

func (u unreadable) Send(s delivery.Send) {
	*u.tries = append(*u.tries, time.Now())
	if time.Now().Before(u.until) {
		u.workers.Go(func() {
			u.inbox.post(delivery.BuildFailed{Stream: s.Stream, Name: s.Name, Reason: "too many open files"})
		})
		return
	}
	u.sent <- s
	u.workers.Go(func() { u.inbox.post(delivery.Requested{Stream: s.Stream, Answer: &delivery.Answer{Name: s.Name}}) })
}

func (unreadable) Prepare(delivery.Send)                  {}
func (unreadable) End(delivery.StreamID, delivery.Budget) {}

// stuckDownloads never end before their context.
type stuckDownloads struct{ anyModule }

func (stuckDownloads) ResolveSpec(ctx context.Context, s *spec.Spec) (snapshot.Module, *spec.Error) {
	if s.Module.URL != "" {
		<-ctx.Done()
		return snapshot.Module{}, &spec.Error{Code: "ended", Message: ctx.Err().Error()}
	}
	return anyModule{}.ResolveSpec(ctx, s)
}

// TestAMendEndsWithoutAnythingToBring: a stand-in and a filter from the state could not be read.
// They are sent as soon as the disk is readable, even if no spec names their modules or a
// download hangs.
func TestAMendEndsWithoutAnythingToBring(t *testing.T) {
	const broken = 42 * time.Second
	for _, tt := range []struct {
		name string
		say  func(toldSource) // sets of the source
	}{
		{"no set yet", func(toldSource) {}},
		{"an empty set", func(s toldSource) { s <- configured(nil) }},
		{"a download that hangs", func(s toldSource) {
			set := configured(map[string]string{"other": "one"})
			set.Specs[0].Module = spec.Module{URL: "https://example.com/a.wasm", SHA256: "00"}
			s <- set
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := make(toldSource, 1)
				c := newChecked(nil, func(cfg *Config) { cfg.Source, cfg.Modules = told, stuckDownloads{} })
				ctx, cancel := context.WithCancel(t.Context())
				u := unreadable{Control: c, until: time.Now().Add(broken), sent: make(chan delivery.Send, 10), tries: new([]time.Time)}
				ended := make(chan error)
				go func() { ended <- c.Run(ctx, u) }()
				defer func() { cancel(); <-ended }()
				tt.say(told)
				synctest.Wait()
				c.Handle(t.Context(), delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
				c.Handle(t.Context(), delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{{Name: "auth"}}})
				time.Sleep(2 * broken)
				synctest.Wait()
				if len(u.sent) != 1 {
					t.Fatalf("%d resources were sent after %d tries", len(u.sent), len(*u.tries))
				}
				if n := len(*u.tries); n < 3 || n > 8 {
					t.Errorf("it was tried %d times", n)
				}
			})
		})
	}
}

func TestMendsGetRarer(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	var m mending
	var pauses []string
	for range 6 {
		next := m.next(at)
		if next.Before(at) {
			next = at
		}
		pauses = append(pauses, fmt.Sprint(next.Sub(at)))
		at = next
		m.begin(at, nil)
	}
	if got, want := fmt.Sprint(pauses), "[0s 5s 10s 20s 40s 1m0s]"; got != want {
		t.Errorf("the pauses are %s, want %s", got, want)
	}
	if at = at.Add(3 * mendPauses.Most); m.next(at).After(at) {
		t.Error("the next fault is not mended at once")
	}
}

// TestAMendWaitsForFiles: a send before the files are read would only fail again.
func TestAMendWaitsForFiles(t *testing.T) {
	file := func(name string) *track.Task {
		return &track.Task{Job: track.Job{Key: name, Module: &spec.Spec{Module: spec.Module{File: &spec.FileRef{Path: name}}}}}
	}
	a, b, other := file("a"), file("b"), file("other")
	download := &track.Task{Job: track.Job{Key: "c", Module: &spec.Spec{Module: spec.Module{URL: "https://example.com/c.wasm"}}}}
	m := mending{waits: map[*track.Task]struct{}{a: {}, b: {}, download: {}}}
	for _, step := range []struct {
		task  *track.Task
		again bool
	}{{a, false}, {other, false}, {b, true}, {other, false}, {download, true}, {download, false}} {
		if got := m.ended([]*track.Task{step.task}); got != step.again {
			t.Errorf("after %s: %v", step.task.Key, got)
		}
	}
}
