package serve

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// managed is a service manager, and notes each line with the second of arrival.
type managed struct {
	mu       sync.Mutex
	began    time.Time
	watchdog time.Duration
	heard    []string
	fails    error
}

func (m *managed) note(word string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = append(m.heard, time.Since(m.began).Round(time.Second).String()+" "+word)
	return m.fails
}

func (m *managed) Hears() bool             { return true }
func (m *managed) Watchdog() time.Duration { return m.watchdog }
func (m *managed) Ready(s string) error    { return m.note("ready " + s) }
func (m *managed) Reloading() error        { return m.note("reloading") }
func (m *managed) Stopping() error         { return m.note("stopping") }
func (m *managed) Alive(string) error      { return m.note("alive") }

// supervise runs a supervision for some time, and returns the lines at the manager.
func supervise(t *testing.T, m *managed, last time.Duration, change func(*supervision, chan struct{})) []string {
	t.Helper()
	loaded := make(chan struct{})
	m.began = time.Now()
	s := &supervision{
		manager: m, loaded: loaded, counts: func() api.Counts { return api.Counts{} }, reread: func(context.Context) {}, log: zap.NewNop(),
	}
	change(s, loaded)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		s.run(ctx)
		close(ended)
	}()
	time.Sleep(last)
	cancel()
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.heard)
}

func TestManagerHearsOfTheLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := supervise(t, &managed{watchdog: 15 * time.Second}, 12*time.Second, func(s *supervision, loaded chan struct{}) {
			time.AfterFunc(time.Second, func() { close(loaded) })
		})
		want := []string{"1s ready filters: 0; live on Envoys: 0 of 0", "6s alive", "11s alive", "12s stopping"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// The end before the start is over.
func TestManagerHearsOfAnEarlyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := supervise(t, &managed{}, time.Second, func(*supervision, chan struct{}) {})
		if want := []string{"1s stopping"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// While the owner of the state is stuck, the manager gets no sign of life.
func TestStuckOwnerGivesNoSignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		got := supervise(t, &managed{watchdog: 15 * time.Second}, 60*time.Second, func(s *supervision, loaded chan struct{}) {
			close(loaded)
			s.counts = func() api.Counts {
				if time.Since(s.manager.(*managed).began) > 6*time.Second {
					<-free
				}
				return api.Counts{}
			}
		})
		if want := []string{"0s ready filters: 0; live on Envoys: 0 of 0", "5s alive"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		close(free)
	})
}

// A long reload does not stop the signs of life.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangups := make(chan os.Signal, 1)
		got := supervise(t, &managed{watchdog: 15 * time.Second}, 60*time.Second, func(s *supervision, loaded chan struct{}) {
			close(loaded)
			s.reload = hangups
			s.reread = func(ctx context.Context) { <-ctx.Done() } // it takes as long as it may
			time.AfterFunc(7*time.Second, func() { hangups <- syscall.SIGHUP })
		})
		text := strings.Join(got, ", ")
		for _, want := range []string{"5s alive, 7s reloading, 10s alive, 15s alive", "35s alive, 37s ready filters: 0", "40s alive"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in %q", want, text)
			}
		}
	})
}

// The log has a failure once.
func TestManagerWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zap.ErrorLevel)
		supervise(t, &managed{fails: errors.New("the socket is gone")}, time.Minute, func(s *supervision, loaded chan struct{}) {
			close(loaded)
			s.log = zap.New(core)
		})
		if logged.Len() != 1 {
			t.Errorf("%d lines: %v", logged.Len(), logged.All())
		}
	})
}

func TestStatusOf(t *testing.T) {
	for want, c := range map[string]api.Counts{
		"filters: 0; live on Envoys: 0 of 0": {},
		"filters: 3; live on Envoys: 2 of 4; with a problem: 1, see wasm-xds status": {
			Filters: map[api.FilterState]int{api.FilterUnknown: 1, "serving": 2}, WithError: 1,
			Subscribers: map[api.SubscriberState]int{api.SubscriberLive: 2, api.SubscriberPending: 2, api.SubscriberGone: 7},
		},
	} {
		if got := statusOf(c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
