package preflight

import (
	"context"
	"crypto/sha256"
	"sync"

	"github.com/tetratelabs/wazero"
)

// Modules keeps modules that were decoded and linked, so that another run of one begins
// at once: for another configuration, or for the next test. It is safe for concurrent use.
type Modules struct {
	limit int

	mu    sync.Mutex
	kept  map[moduleKey]*prepared
	size  int // of those kept
	clock uint64
}

type moduleKey struct {
	module [sha256.Size]byte
	engine string
	memory uint32 // its limit, in pages
}

// prepared is a module that is decoded and linked, for any number of instances at a time.
type prepared struct {
	key      moduleKey
	size     int // of the module, in bytes
	runtime  wazero.Runtime
	compiled wazero.CompiledModule

	// Guarded by the Modules that it is of.
	users   int
	used    uint64
	dropped bool // nobody may take it any more: it goes with its last user
}

// NewModules keeps modules of that many bytes at most. Decoded, they take about
// twenty times as much memory.
func NewModules(bytes int) *Modules { return &Modules{limit: bytes, kept: map[moduleKey]*prepared{}} }

// take returns a module that is kept, or nil; [Modules.release] gives it back.
func (m *Modules) take(key moduleKey) *prepared {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.kept[key]
	if p != nil {
		p.users++
		m.touch(p)
	}
	return p
}

func (m *Modules) touch(p *prepared) {
	m.clock++
	p.used = m.clock
}

// keep takes in a module that its caller uses, unless it is too large or another
// was faster.
func (m *Modules) keep(p *prepared) {
	m.mu.Lock()
	var gone []*prepared
	p.users = 1
	if m.kept[p.key] != nil || p.size > m.limit {
		p.dropped = true
	} else {
		m.kept[p.key] = p
		m.size += p.size
		m.touch(p)
		for m.size > m.limit {
			gone = append(gone, m.drop(m.oldest())...)
		}
	}
	m.mu.Unlock()
	closeAll(gone)
}

func (m *Modules) oldest() *prepared {
	var oldest *prepared
	for _, p := range m.kept {
		if oldest == nil || p.used < oldest.used {
			oldest = p
		}
	}
	return oldest
}

// drop returns it if it can be closed now.
func (m *Modules) drop(p *prepared) []*prepared {
	if !p.dropped {
		p.dropped = true
		delete(m.kept, p.key)
		m.size -= p.size
	}
	if p.users > 0 {
		return nil
	}
	return []*prepared{p}
}

// release gives a module back. One in which an instance has failed is not used again.
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

// Close frees what is kept, once it is not used any more.
func (m *Modules) Close() {
	m.mu.Lock()
	var gone []*prepared
	for _, p := range m.kept {
		gone = append(gone, m.drop(p)...)
	}
	m.mu.Unlock()
	closeAll(gone)
}

func closeAll(all []*prepared) {
	for _, p := range all {
		_ = p.runtime.Close(context.Background()) // no instance is left in it
	}
}
