package sandbox

import (
	"context"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/engine"
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
)

// spareDelay is the pause between the end of a run and the start of the next instance. Work that
// depends on the run, like Envoy's own loading of the module, goes first.
const spareDelay = 250 * time.Millisecond

// Modules keeps decoded and linked modules, so another run of a module begins at once: for
// another configuration, or for the next test. Modules also keeps started instances of the modules
// of the latest runs. Modules is safe for concurrent use.
// See docs/RATIONALE.md#why-are-decoded-modules-kept.
type Modules struct {
	delay time.Duration // before spares are made
	timer *time.Timer

	mu     sync.Mutex
	cache  cache
	spares spares
	closed bool
	making sync.WaitGroup
	cancel context.CancelFunc // ends the making of spares
}

// NewModules returns a Modules that keeps modules of at most this many bytes in all. Decoded
// modules take about twenty times as much memory.
func NewModules(bytes int) *Modules {
	m := &Modules{cache: newCache(bytes), delay: spareDelay}
	m.timer = time.AfterFunc(spareDelay, m.makeSpares)
	m.timer.Stop() // until a spare is wanted
	return m
}

// Bytes returns a kept module by its SHA-256 in hex. Do not change the bytes.
func (m *Modules) Bytes(sha256 string) (module []byte, ok bool) {
	sum, _ := sumOf(sha256) // an invalid sum finds no module
	known, ok := m.known(sum)
	return known.bytes, ok
}

func (m *Modules) known(sum moduleSum) (known code, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cache.known(sum)
}

// take returns a kept module, or nil; [Modules.release] gives it back.
func (m *Modules) take(key moduleKey) *prepared {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cache.take(key)
}

// keep takes over a module from a user.
func (m *Modules) keep(p *prepared) {
	m.mu.Lock()
	var gone []*prepared
	if m.closed {
		p.users, p.dropped = 1, true
	} else {
		m.cache.add(p)
		for m.cache.tooLarge() {
			gone = append(gone, m.drop(m.cache.oldest())...)
		}
	}
	m.mu.Unlock()
	closeAll(gone)
}

// drop returns the module if no user is left: the caller closes the module.
func (m *Modules) drop(p *prepared) []*prepared {
	if m.cache.remove(p) {
		m.spares.drop(p)
	}
	if p.users > 0 {
		return nil
	}
	return []*prepared{p}
}

// release gives a module back. After a failed instance, the module is not used again.
func (m *Modules) release(p *prepared, failed bool) {
	m.mu.Lock()
	var gone []*prepared
	p.users--
	if failed || p.dropped {
		gone = m.drop(p)
	}
	m.mu.Unlock()
	closeAll(gone)
}

// Close frees the kept modules as soon as no run uses them.
func (m *Modules) Close() {
	m.mu.Lock()
	m.closed = true
	m.timer.Stop()
	if m.cancel != nil {
		m.cancel()
	}
	m.mu.Unlock()
	m.making.Wait()
	m.mu.Lock()
	var gone []*prepared
	for _, p := range m.cache.kept {
		gone = append(gone, m.drop(p)...)
	}
	m.mu.Unlock()
	closeAll(gone)
}

// want requests an instance for the next run with the same start.
func (m *Modules) want(s *spare) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed && !s.of.dropped {
		m.wantLocked(s)
	}
}

func (m *Modules) wantLocked(s *spare) {
	m.spares.want(s)
	m.timer.Reset(m.delay)
}

// takeSpare returns a started instance or nil. A taken spare is replaced later.
func (m *Modules) takeSpare(of *prepared, start start, versions []string) *host.VM {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.spares.take(of, start, versions)
	if taken == nil {
		return nil
	}
	if !m.closed {
		m.wantLocked(&spare{of: of, start: start, versions: versions})
	}
	return taken.vm
}

// makeSpares makes the requested instances.
func (m *Modules) makeSpares() {
	ctx, cancel := context.WithCancel(engine.WithMemory(context.Background()))
	defer cancel()
	if !m.beginSpares(cancel) {
		return
	}
	defer m.making.Done()
	for s := m.nextSpare(); s != nil; s = m.nextSpare() {
		m.addSpare(ctx, s, s.make(ctx))
	}
}

// beginSpares makes [Modules.Close] cancel and wait for the following work; false: after Close.
func (m *Modules) beginSpares(cancel context.CancelFunc) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.making.Add(1)
	m.cancel = cancel
	return true
}

// nextSpare returns the next spare to make, and counts as another user of the module.
func (m *Modules) nextSpare() *spare {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	s := m.spares.next()
	if s != nil {
		s.of.users++
	}
	return s
}

// addSpare keeps a new spare, unless the spare is too large or no longer wanted.
func (m *Modules) addSpare(ctx context.Context, s *spare, ok bool) {
	if !ok || s.vm.MemorySize() > maximumSpareMemory {
		s.close(ctx)
		m.release(s.of, !ok)
		return
	}
	m.mu.Lock()
	surplus := s
	if !s.of.dropped && !m.closed {
		surplus = m.spares.add(s)
	}
	m.mu.Unlock()
	if surplus != nil {
		surplus.close(ctx)
	}
	m.release(s.of, false)
}
