package serve

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

const (
	// statusEvery is the longest time between two lines for the service manager. People look at
	// the line in `systemctl status`.
	statusEvery = 10 * time.Second
	// rereadLimit is the longest time of a reload. A registry that does not answer must not keep
	// the service in the state of a reload.
	rereadLimit = 30 * time.Second
)

// serviceManager is [systemd.Manager].
type serviceManager interface {
	Hears() bool
	Watchdog() time.Duration
	Ready(status string) error
	Reloading() error
	Stopping() error
	Alive(status string) error
}

// supervision tells the service manager how the server is, and reads everything again on demand.
type supervision struct {
	manager serviceManager
	loaded  <-chan struct{} // closed when the server is ready
	reload  <-chan os.Signal
	// counts asks the owner of the state. counts does not return while the owner is stuck. Then the
	// manager gets no sign of life, and starts the server anew.
	counts func() api.Counts
	reread func(context.Context)
	log    *zap.Logger

	sending sync.Mutex // keeps the lines of a reload and of the clock apart
	problem string     // of the last line to the manager; "": none
}

// run returns when ctx has ended.
func (s *supervision) run(ctx context.Context) {
	select {
	case <-ctx.Done():
		s.tell(s.manager.Stopping)
		return
	case <-s.loaded:
	}
	s.tell(func() error { return s.manager.Ready(s.status()) })
	var reloads sync.WaitGroup
	defer reloads.Wait()
	reloads.Go(func() { s.reloads(ctx) })
	var ticks <-chan time.Time
	if s.manager.Hears() {
		ticker := time.NewTicker(s.interval())
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			s.tell(s.manager.Stopping)
			return
		case <-ticks:
			s.tell(func() error { return s.manager.Alive(s.status()) })
		}
	}
}

// interval is a third of the watchdog's time, so a single late sign of life ends nothing.
func (s *supervision) interval() time.Duration {
	return min(cmp.Or(s.manager.Watchdog()/3, statusEvery), statusEvery)
}

// reloads carries out each reload. The signs of life go on meanwhile.
func (s *supervision) reloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.reload:
		}
		s.tell(s.manager.Reloading)
		limit, cancel := context.WithTimeout(ctx, rereadLimit)
		s.reread(limit)
		cancel()
		if ctx.Err() != nil {
			return // the manager has heard of the end, and Ready would contradict it
		}
		s.tell(func() error { return s.manager.Ready(s.status()) })
	}
}

// tell logs the first of several equal failures. The server goes on: the manager is at fault.
func (s *supervision) tell(send func() error) {
	s.sending.Lock()
	defer s.sending.Unlock()
	text := ""
	if err := send(); err != nil {
		if text = err.Error(); text != s.problem {
			s.log.Error("the service manager cannot be told how the server is", zap.Error(err))
		}
	}
	s.problem = text
}

// status asks for the state of the server, if somebody hears it.
func (s *supervision) status() string {
	if !s.manager.Hears() {
		return ""
	}
	return statusOf(s.counts())
}

// statusOf is the line for people about the state of the server.
func statusOf(c api.Counts) string {
	filters, subscribers := 0, 0
	for _, n := range c.Filters {
		filters += n
	}
	for state, n := range c.Subscribers {
		if state != api.SubscriberGone {
			subscribers += n
		}
	}
	line := fmt.Sprintf("filters: %d; live on Envoys: %d of %d", filters, c.Subscribers[api.SubscriberLive], subscribers)
	if c.WithError > 0 {
		line += fmt.Sprintf("; with a problem: %d, see wasm-xds status", c.WithError)
	}
	return line
}
