package control

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/events"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/source/merge"
	"github.com/wasm-xds/wasm-xds/pkg/source/restart"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// endingSource emits the sets that a test sends, and ends at nil.
type endingSource chan *source.Set

func (s endingSource) Run(ctx context.Context, emit func(source.Set)) error {
	for {
		select {
		case set := <-s:
			if set == nil {
				return errors.New("no inodes are left")
			}
			emit(*set)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// started runs a control with a source, in the bubble of a test, until stop.
func started(t *testing.T, s source.Source) (c *Control, sent sends, stop func()) {
	t.Helper()
	c = newChecked(nil, func(cfg *Config) { cfg.Source, cfg.Directory = s, "/specs" })
	ctx, cancel := context.WithCancel(t.Context())
	sent = make(sends, 100)
	ended := make(chan error)
	go func() { ended <- c.Run(ctx, sent) }()
	return c, sent, func() {
		cancel()
		<-ended
	}
}

func TestASourceThatEndsIsShownAndStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(endingSource)
		c, _, stop := started(t, told)
		defer stop()
		if got := NewAPI(c).Source(); got.State != api.SourceReading {
			t.Errorf("before the first set it is %s", got.State)
		}
		set := configured(map[string]string{"auth": "one"})
		told <- &set
		synctest.Wait()
		if got := NewAPI(c).Source(); got.State != api.SourceOK || len(got.Sources) != 1 || got.Sources[0].Specs != 1 || got.Sources[0].Name != "/specs" {
			t.Errorf("with a set it is %+v", got)
		}
		told <- nil
		synctest.Wait()
		got := NewAPI(c).Source()
		if got.State != api.SourceUnavailable || got.Error == nil || got.Error.Code != restart.CodeFailed {
			t.Errorf("after its end it is %+v", got)
		}
		if p := got.Sources; len(p) != 1 || p[0].State != api.SourceUnavailable || p[0].Error == nil {
			t.Errorf("its part is %+v", p)
		}
		if f, ok := NewAPI(c).Filter("auth"); !ok || f.State != api.FilterActive {
			t.Errorf("its filter is %+v", f)
		}
		told <- &set // the next run
		synctest.Wait()
		if got := NewAPI(c).Source(); got.State != api.SourceOK || got.Sources[0].State != api.SourceOK {
			t.Errorf("after the restart it is %+v", got)
		}
	})
}

// TestTheEndOfASourceLeavesTheOthers: the end of a bundle's source changes nothing for the
// directory.
func TestTheEndOfASourceLeavesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := make(endingSource), make(endingSource)
		c, _, stop := started(t, merge.New(merge.Named{Root: "/specs", Source: one}, merge.Named{Root: "oci://r/b:1", Source: two}))
		defer stop()
		set := configured(map[string]string{"auth": "one"})
		two <- nil
		one <- &set
		synctest.Wait()
		got := NewAPI(c).Source()
		if got.State != api.SourceDegraded || len(got.Sources) != 2 || got.Sources[0].State != api.SourceOK || got.Sources[1].State != api.SourceUnavailable {
			t.Fatalf("the sources are %+v", got)
		}
		next := configured(map[string]string{"auth": "two", "more": "one"})
		one <- &next
		synctest.Wait()
		if _, ok := NewAPI(c).Filter("more"); !ok {
			t.Error("an edit in the other source is not taken")
		}
	})
}

// TestThePortOpensWithoutASet: a source that stays silent delays the start only for a while. An
// Envoy keeps a filter that this server does not know.
func TestThePortOpensWithoutASet(t *testing.T) {
	for _, name := range []string{"hangs", "ends"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := make(endingSource)
				c, sent, stop := started(t, s)
				defer stop()
				if name == "ends" {
					s <- nil
				}
				time.Sleep(firstSnapshotWait)
				synctest.Wait()
				select {
				case <-c.Loaded():
				default:
					t.Fatal("the port is closed")
				}
				got := NewAPI(c).Source()
				if got.State != api.SourceUnavailable || got.Error == nil {
					t.Errorf("the source is %+v", got)
				}
				c.Handle(t.Context(), delivery.StreamOpened{Stream: 1, Node: delivery.Node{ID: "edge", Version: "1.40.0"}, ADS: true, Delta: true})
				c.Handle(t.Context(), delivery.Requested{Stream: 1, Subscribe: []delivery.Subscription{
					{Name: "runs", Accepted: "ba9876543210.i0123456789abcdef"}, {Name: "boots"},
				}})
				synctest.Wait()
				if len(sent) != 1 || (<-sent).Name != "boots" {
					t.Error("other than the filter that boots was sent something")
				}
				if f, _ := NewAPI(c).Filter("boots"); f.Error == nil || f.Error.Hint != "`wasm-xds status` says why the specs cannot be read" {
					t.Errorf("the filter's error is %+v", f.Error)
				}
				c.Handle(t.Context(), delivery.Requested{Stream: 1, Answer: &delivery.Answer{Name: "boots"}})
				set := configured(map[string]string{"boots": "one"})
				s <- &set
				if a := <-sent; a.Name != "boots" || a.Revision.BuiltIn {
					t.Errorf("sent when the specs came: %+v", a)
				}
				if got := NewAPI(c).Source(); got.State != api.SourceOK {
					t.Errorf("the source is %+v", got)
				}
			})
		})
	}
}

func TestPartsKeepTheTimeOfTheirState(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	down := &spec.Error{Code: restart.CodeFailed, Message: "it has ended"}
	s := newSources(Config{}, &events.Hub{})
	steps := []struct {
		part  source.Part
		held  []string
		state api.SourceState
		since int
		ended bool
	}{
		{part: source.Part{Unavailable: &spec.Error{Code: merge.CodeNotRead}}, state: api.SourceReading},
		{part: source.Part{Specs: 1}, state: api.SourceOK, since: 1},
		{part: source.Part{Specs: 2}, state: api.SourceOK, since: 1},
		{part: source.Part{Unavailable: down}, state: api.SourceUnavailable, since: 3, ended: true},
		{part: source.Part{Unavailable: down}, state: api.SourceUnavailable, since: 3},
		{part: source.Part{Degraded: down}, held: []string{""}, state: api.SourceHeld, since: 5},
		{part: source.Part{Degraded: &spec.Error{Code: "rescan"}}, state: api.SourceDegraded, since: 6},
	}
	for i, step := range steps {
		ended := s.follow([]source.Part{step.part}, step.held, at.Add(time.Duration(i)*time.Second))
		got := s.parts[0]
		if got.state != step.state || got.since != at.Add(time.Duration(step.since)*time.Second) || (len(ended) > 0) != step.ended {
			t.Errorf("step %d: %+v, ended %v", i, got, ended)
		}
	}
}
