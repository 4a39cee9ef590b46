package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/pkg/source"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// onDemand emits its set only when it is asked.
type onDemand struct {
	mu   sync.Mutex
	set  source.Set
	err  error
	asks chan chan struct{}
}

func (s *onDemand) put(set source.Set, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set, s.err = set, err
}

func (s *onDemand) Run(ctx context.Context, emit func(source.Set)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case done := <-s.asks:
			s.mu.Lock()
			set := s.set
			s.mu.Unlock()
			emit(set)
			close(done)
		}
	}
}

func (s *onDemand) Sync(ctx context.Context) error {
	done := make(chan struct{})
	select {
	case s.asks <- done:
		<-done
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// answer is a sync's answer on a single line.
func answer(s api.Sync, e *api.Error) string {
	if e != nil {
		return e.Code + ": " + e.Message
	}
	var words []string
	if s.Error != nil {
		words = append(words, "unread "+s.Error.Code)
	}
	for _, f := range s.Filters {
		text := f.Name + " " + string(f.State)
		if f.Revision != "" {
			text += " wanted"
		}
		if f.Refused != "" {
			text += " refused"
		}
		if f.Error != nil {
			text += " " + f.Error.Code
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}

// TestSyncAnswersForTheReadThatItAskedFor: a sync answers with the outcome of its own read, after
// the sandbox has finished. A sync that takes too long is an error.
func TestSyncAnswersForTheReadThatItAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		specs := &onDemand{asks: make(chan chan struct{})}
		sandbox := &fakeSandbox{loop: make(chan struct{})}
		c := newChecked(sandbox, func(cfg *Config) { cfg.Source = specs })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx, nobody{}) }()
		sync := func(want string) api.Sync {
			t.Helper()
			limit, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			s, e := NewAPI(c).Sync(limit)
			if got := answer(s, e); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			return s
		}
		sync("") // no spec
		versions := map[string]bool{}
		for i := range 50 { // an edit, and the request at once
			specs.put(configured(map[string]string{"auth": fmt.Sprint("good ", i)}), nil)
			versions[sync("auth active wanted").Version] = true
		}
		if len(versions) != 50 {
			t.Errorf("50 edits led to %d versions", len(versions))
		}
		specs.put(configured(map[string]string{"auth": "bad"}), nil)
		sync("auth active wanted refused import_missing")
		specs.put(configured(map[string]string{"auth": "good", "slow": "loop"}), nil)
		sync("sync_timeout: the specs are not read, fetched and tried in the given time: still fetched or tried: slow")
		close(sandbox.loop)
		sync("auth active wanted, slow active wanted")
		gone := &spec.Error{Code: "directory_missing"}
		specs.put(source.Set{Unavailable: gone}, gone)
		sync("unread directory_missing, auth active wanted, slow active wanted")
		specs.put(source.Set{}, nil)
		sync("unread all_specs_removed, auth active wanted, slow active wanted")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, e := NewAPI(c).Sync(ctx); e == nil {
			t.Error("after the end, a sync has an answer")
		}
	})
}

// TestSyncWithoutARead: a read that fails with an unworded error gives a worded error.
func TestSyncWithoutARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		specs := &onDemand{asks: make(chan chan struct{}), err: errors.New("too many open files")}
		c := newChecked(nil, func(cfg *Config) { cfg.Source = specs })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx, nobody{}) }()
		s, e := NewAPI(c).Sync(ctx)
		if e != nil || s.Error == nil || !strings.Contains(s.Error.Message, "too many open files") {
			t.Errorf("%+v, %v", s, e)
		}
		cancel()
		<-ended
	})
}

// TestSyncAsksWhereTagsLead: with an hour between two polls, a sync right after a push has the
// pushed digest.
func TestSyncAsksWhereTagsLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := "sha256:d0"
		registry := movingTag{mu: new(sync.Mutex), digest: &first, asked: new(int)}
		specs := &onDemand{asks: make(chan chan struct{})}
		c := newChecked(nil, func(cfg *Config) { cfg.Source, cfg.Modules = specs, registry })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx, nobody{}) }()
		follows := specOf("follows")
		follows.Module = spec.Module{OCI: spec.Reference{Registry: "r.example", Repository: "a", Tag: "v1"}, Refresh: time.Hour}
		specs.put(source.Set{Specs: []*spec.Spec{follows}, References: map[string]string{}}, nil)
		revisions := map[string]bool{}
		for i := range 5 {
			registry.move(fmt.Sprint("sha256:d", i))
			s, e := NewAPI(c).Sync(ctx)
			if e != nil || len(s.Filters) != 1 || s.Filters[0].Error != nil {
				t.Fatalf("%+v, %v", s, e)
			}
			revisions[s.Filters[0].Revision] = true
		}
		if len(revisions) != 5 {
			t.Errorf("5 pushes led to %d revisions", len(revisions))
		}
		cancel()
		<-ended
	})
}
