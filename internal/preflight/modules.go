package preflight

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/wasm-xds/wasm-xds/internal/preflight/wasmbin"
)

// Modules keeps decoded and linked modules, so that another run of a module begins at once: for
// another configuration, or for the next test. For the modules of the latest runs it also keeps
// started instances. It is safe for concurrent use.
// See docs/RATIONALE.md#why-are-decoded-modules-kept.
type Modules struct {
	limit int

	mu     sync.Mutex
	kept   map[moduleKey]*prepared
	codes  map[moduleSum]*keptCode // of the kept modules
	size   int                     // of the kept modules
	clock  uint64
	spares spares
	closed bool
}

// knownCode is a module and the content of its sections. Neither ever changes.
type knownCode struct {
	bytes  []byte
	parsed *wasmbin.Module
}

// keptCode is the code that several kept modules share.
type keptCode struct {
	knownCode
	of int
}

// moduleSum is a module's SHA-256.
type moduleSum [sha256.Size]byte

// sumOf decodes a SHA-256 in hex; ok is false for any other text.
func sumOf(text string) (sum moduleSum, ok bool) {
	b, err := hex.DecodeString(text)
	return sum, err == nil && copy(sum[:], b) == len(b) && len(b) == len(sum)
}

type moduleKey struct {
	module moduleSum
	engine string
	memory uint32 // its limit, in pages
}

// prepared is a decoded and linked module, for any number of instances at a time.
type prepared struct {
	key      moduleKey
	size     int // of the module, in bytes
	code     knownCode
	runtime  wazero.Runtime
	compiled wazero.CompiledModule

	// Guarded by its Modules.
	users   int
	used    uint64
	dropped bool // no run may take it any more: its last user closes it
}

// NewModules returns a Modules that keeps modules of at most this many bytes in all. Decoded modules
// take about twenty times as much memory.
func NewModules(bytes int) *Modules {
	m := &Modules{limit: bytes, kept: map[moduleKey]*prepared{}, codes: map[moduleSum]*keptCode{}}
	m.spares.delay = spareDelay
	m.spares.timer = time.AfterFunc(spareDelay, m.makeSpares)
	m.spares.timer.Stop() // until a spare is wanted
	return m
}

// Bytes returns a kept module by its SHA-256 in hex. Do not change the bytes.
func (m *Modules) Bytes(sha256 string) (module []byte, ok bool) {
	sum, _ := sumOf(sha256) // an invalid sum finds no module
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

// take returns a kept module, or nil; [Modules.release] gives it back.
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

// keep takes over a module that its caller uses, unless it is too large or another run has been
// faster.
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

// drop returns the module if it can be closed now.
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
		_ = p.runtime.Close(context.Background()) // the module has no instance left
	}
}
