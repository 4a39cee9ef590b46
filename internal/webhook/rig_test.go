package webhook

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

const secretText = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// memory is the file of pending messages.
type memory struct {
	mu     sync.Mutex
	data   []byte
	writes int
}

func (m *memory) Write(_ string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data, m.writes = data, m.writes+1
	return nil
}

func (m *memory) Load(string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.data == nil {
		return nil, fs.ErrNotExist
	}
	return m.data, nil
}

// counts are the metrics of a test.
type counts struct {
	mu                     sync.Mutex
	taken, failed, dropped int
	done                   chan struct{} // has a value for each taken message
}

func (c *counts) WebhookTried(_ string, taken bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if taken {
		c.taken++
		select {
		case c.done <- struct{}{}:
		default: // nobody counts so many
		}
	} else {
		c.failed++
	}
}

func (c *counts) WebhookDropped(string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped++
}

// request is a request that a receiver got.
type request struct {
	header http.Header
	body   []byte
}

// target is a receiver with the answers of a test.
type target struct {
	*httptest.Server
	got chan request
}

// newTarget answers each request with the next status, and with 204 after the last.
func newTarget(t *testing.T, statuses ...int) *target {
	t.Helper()
	r := &target{got: make(chan request, 100)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Error(err)
		}
		status := http.StatusNoContent
		if len(statuses) > 0 {
			status, statuses = statuses[0], statuses[1:]
		}
		if status/100 == 3 {
			w.Header().Set("Location", "http://169.254.169.254/latest")
		}
		w.WriteHeader(status)
		r.got <- request{q.Header, body}
	}))
	t.Cleanup(r.Close)
	return r
}

// sender is a running Webhooks.
type sender struct {
	*Webhooks
	metrics *counts
	logs    *observer.ObservedLogs
	stop    func()
}

func run(t *testing.T, files Files, cfg Config) sender {
	t.Helper()
	w, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	core, logs := observer.New(zapcore.DebugLevel)
	s := sender{Webhooks: w, metrics: &counts{done: make(chan struct{}, 10)}, logs: logs}
	w.Start(api.WebhookServer{Host: "control", Version: "v1"}, files, s.metrics, zap.New(core))
	for _, r := range w.receivers {
		r.queue.pauses = pause.Policy{First: time.Millisecond, Most: time.Millisecond}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	s.stop = func() {
		cancel()
		running.Wait()
		for _, r := range w.receivers {
			r.client.CloseIdleConnections()
		}
	}
	t.Cleanup(s.stop)
	return s
}

func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secrets")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func verify(t *testing.T, secret string, r request) {
	t.Helper()
	receiver, err := standard.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.Verify(r.body, r.header); err != nil {
		t.Errorf("the signature of %s: %v", r.header.Get(headerID), err)
	}
}

func live(filter string) api.Event {
	return api.Event{
		Type: api.EventLive, Name: filter, Revision: "0123456789ab", Message: "revision 0123456789ab of " + filter + " is live",
		Time: time.Now().UTC(),
	}
}
