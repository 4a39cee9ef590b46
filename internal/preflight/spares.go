package preflight

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// The bounds of instances that are started ahead.
const (
	// spareDelay is the pause between the end of a run and the start of the next instance. Work
	// that depends on the run, such as Envoy's own loading of the module, goes first.
	spareDelay         = 250 * time.Millisecond
	maximumSpares      = 8
	maximumSpareMemory = 16 << 20
)

// spare is a started instance that is not configured yet, for the next run with the same request
// except for the configuration.
type spare struct {
	of       *prepared
	static   *inspected
	versions []string
	host     *host // nil: not made yet
}

// spares are guarded by their [Modules].
// See docs/RATIONALE.md#why-are-instances-started-ahead.
type spares struct {
	ready  []*spare // oldest first
	wanted []*spare
	timer  *time.Timer
	delay  time.Duration
	making sync.WaitGroup
	cancel context.CancelFunc // ends the making of an instance
}

// spare returns a spare for a run like this one.
func (s *inspected) spare(of *prepared, versions []string) *spare {
	own := &inspected{request: startOf(s.request), module: s.module, abi: s.abi}
	return &spare{of: of, static: own, versions: versions}
}

// startOf returns the part of a request that determines a module's start.
func startOf(r Request) Request {
	r.Module, r.SHA256, r.Modules = nil, "", nil // another instance of the same
	r.VMConfig, r.PluginConfig = nil, nil        // read after the start
	return r
}

// startedAlone reports whether a module's start asked the host only for time, numbers and the like.
// The start would then be the same with another configuration.
func (h *host) startedAlone() bool {
	for name, calls := range h.called {
		if *calls > 0 && strings.HasPrefix(name, envoy.ModuleEnv+".") && name != envoy.ModuleEnv+".proxy_log" {
			return false
		}
	}
	return true
}

// want requests one more instance for a run like the one that has just started.
func (m *Modules) want(s *spare) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed && !s.of.dropped {
		m.spares.want(s)
	}
}

// want drops the oldest request if there are too many.
func (s *spares) want(one *spare) {
	if len(s.wanted) == maximumSpares {
		s.wanted = slices.Delete(s.wanted, 0, 1)
	}
	s.wanted = append(s.wanted, one)
	s.timer.Reset(s.delay)
}

// takeSpare returns a spare or nil. A taken spare is replaced later.
func (m *Modules) takeSpare(of *prepared, r Request, versions []string) *host {
	m.mu.Lock()
	defer m.mu.Unlock()
	start := startOf(r)
	i := slices.IndexFunc(m.spares.ready, func(s *spare) bool {
		return s.of == of && slices.Equal(s.versions, versions) && reflect.DeepEqual(s.static.request, start)
	})
	if i < 0 {
		return nil
	}
	taken := m.spares.ready[i]
	m.spares.ready = slices.Delete(m.spares.ready, i, i+1)
	h := taken.host
	h.request = r
	if !m.closed {
		m.spares.want(&spare{of: of, static: taken.static, versions: versions})
	}
	return h
}

// drop forgets the instances of a dropped module: they end with the module.
func (s *spares) drop(of *prepared) {
	is := func(s *spare) bool { return s.of == of }
	s.ready = slices.DeleteFunc(s.ready, is)
	s.wanted = slices.DeleteFunc(s.wanted, is)
}

// makeSpares makes the requested instances.
func (m *Modules) makeSpares() {
	ctx, cancel := context.WithCancel(withMemory(context.Background()))
	defer cancel()
	if !m.beginSpares(cancel) {
		return
	}
	defer m.spares.making.Done()
	for s := m.nextSpare(); s != nil; s = m.nextSpare() {
		m.addSpare(ctx, s, s.make(ctx))
	}
}

// beginSpares makes [Modules.Close] cancel and wait for the work that follows. After Close it
// returns false.
func (m *Modules) beginSpares(cancel context.CancelFunc) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.spares.making.Add(1)
	m.spares.cancel = cancel
	return true
}

// nextSpare returns the next spare to make, and counts as another user of its module.
func (m *Modules) nextSpare() *spare {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.spares.wanted) == 0 {
		return nil
	}
	s := m.spares.wanted[0]
	m.spares.wanted = m.spares.wanted[1:]
	s.of.users++
	return s
}

// make returns false if the instance has not started, although an earlier one of the same module
// did.
func (s *spare) make(ctx context.Context) bool {
	s.host = newHost(s.static.request, s.static.abi)
	s.host.versions = s.versions
	if err := s.static.instantiate(ctx, s.of, s.host); err != nil {
		return false
	}
	return s.host.start(ctx) == nil
}

// addSpare keeps a new spare, unless it is too large or no longer wanted.
func (m *Modules) addSpare(ctx context.Context, s *spare, ok bool) {
	if !ok || s.host.memorySize() > maximumSpareMemory {
		s.close(ctx)
		m.release(s.of, !ok)
		return
	}
	m.mu.Lock()
	var surplus *spare
	if s.of.dropped || m.closed {
		surplus = s
	} else if m.spares.ready = append(m.spares.ready, s); len(m.spares.ready) > maximumSpares {
		surplus = m.spares.ready[0]
		m.spares.ready = m.spares.ready[1:]
	}
	m.mu.Unlock()
	if surplus != nil {
		surplus.close(ctx)
	}
	m.release(s.of, false)
}

func (s *spare) close(ctx context.Context) {
	if s.host.module != nil {
		_ = s.host.module.Close(context.WithoutCancel(ctx)) // the instance is unused
	}
}
