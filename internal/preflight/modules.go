package preflight

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
)

// Modules keeps modules that were decoded and linked, so that another run of one begins
// at once: for another configuration, or for the next test. Of those that ran last it
// keeps instances that have started. It is safe for concurrent use.
// See docs/RATIONALE.md#why-are-decoded-modules-kept.
type Modules struct {
	limit int

	mu     sync.Mutex
	kept   map[moduleKey]*prepared
	codes  map[moduleSum]*keptCode // of those kept
	size   int                     // of those kept
	clock  uint64
	spares spares
	closed bool
}

// knownCode is a module and what its sections say. Neither is ever changed.
type knownCode struct {
	bytes  []byte
	parsed *parsed
}

// keptCode is that of a number of modules that are kept.
type keptCode struct {
	knownCode
	of int
}

// moduleSum is a module's SHA-256.
type moduleSum [sha256.Size]byte

// sumOf is not ok for what is no SHA-256 in hex.
func sumOf(text string) (sum moduleSum, ok bool) {
	b, err := hex.DecodeString(text)
	return sum, err == nil && copy(sum[:], b) == len(b) && len(b) == len(sum)
}

type moduleKey struct {
	module moduleSum
	engine string
	memory uint32 // its limit, in pages
}

// prepared is a module that is decoded and linked, for any number of instances at a time.
type prepared struct {
	key      moduleKey
	size     int // of the module, in bytes
	code     knownCode
	runtime  wazero.Runtime
	compiled wazero.CompiledModule

	// Guarded by the Modules that it is of.
	users   int
	used    uint64
	dropped bool // nobody may take it any more: it goes with its last user
}

// NewModules keeps modules of that many bytes at most. Decoded, they take about
// twenty times as much memory.
func NewModules(bytes int) *Modules {
	m := &Modules{limit: bytes, kept: map[moduleKey]*prepared{}, codes: map[moduleSum]*keptCode{}}
	m.spares.delay = spareDelay
	m.spares.timer = time.AfterFunc(spareDelay, m.makeSpares)
	m.spares.timer.Stop() // until a spare is wanted
	return m
}

// Bytes returns a module that is kept, by its SHA-256 in hex. They must not be changed.
func (m *Modules) Bytes(sha256 string) (module []byte, ok bool) {
	sum, _ := sumOf(sha256) // what is none is not kept
	code, ok := m.known(sum)
	return code.bytes, ok
}

func (m *Modules) known(sum moduleSum) (code knownCode, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if kept := m.codes[sum]; kept != nil {
		return kept.knownCode, true
	}
	return knownCode{}, false
}

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
	if m.closed || m.kept[p.key] != nil || p.size > m.limit {
		p.dropped = true
	} else {
		m.kept[p.key] = p
		m.keepCode(p)
		m.size += p.size
		m.touch(p)
		for m.size > m.limit {
			gone = append(gone, m.drop(m.oldest())...)
		}
	}
	m.mu.Unlock()
	closeAll(gone)
}

func (m *Modules) keepCode(p *prepared) {
	code := m.codes[p.key.module]
	if code == nil {
		code = &keptCode{knownCode: p.code}
		m.codes[p.key.module] = code
	}
	code.of++
}

func (m *Modules) dropCode(p *prepared) {
	code := m.codes[p.key.module]
	if code.of--; code.of == 0 {
		delete(m.codes, p.key.module)
	}
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
		m.dropCode(p)
		m.size -= p.size
		m.spares.drop(p)
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
	m.closed = true
	m.spares.timer.Stop()
	if m.spares.cancel != nil {
		m.spares.cancel()
	}
	m.mu.Unlock()
	m.spares.making.Wait()
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
