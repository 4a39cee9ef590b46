package control

import (
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/builtin"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// standInLimit bounds the stand-ins that are kept: names come from Envoys.
const standInLimit = 50_000

// StandIns makes the built-in filters and remembers their modules' bytes, so
// that resources can be built of them. It is safe for concurrent use.
type StandIns struct {
	mu      sync.Mutex
	made    map[standInKey]*snapshot.Revision
	modules map[string][]byte // by sha256
}

type standInKey struct {
	filter  string
	t       spec.Type
	deny    bool
	reason  string
	runtime string
}

// NewStandIns makes an empty set.
func NewStandIns() *StandIns {
	return &StandIns{made: map[standInKey]*snapshot.Revision{}, modules: map[string][]byte{}}
}

// Deny is the stand-in that refuses everything and says why.
func (s *StandIns) Deny(filter string, t spec.Type, reason, runtime string) *snapshot.Revision {
	return s.get(standInKey{filter, t, true, reason, runtime})
}

// Passthrough is the stand-in that lets everything pass.
func (s *StandIns) Passthrough(filter string, t spec.Type, runtime string) *snapshot.Revision {
	return s.get(standInKey{filter, t, false, "", runtime})
}

// Module returns a stand-in's bytes; false: no stand-in has that sha256.
func (s *StandIns) Module(sha256 string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	module, ok := s.modules[sha256]
	return module, ok
}

func (s *StandIns) get(key standInKey) *snapshot.Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.made[key]; r != nil {
		return r
	}
	if len(s.made) >= standInLimit {
		clear(s.made)
		clear(s.modules)
	}
	r, module := s.make(key)
	s.made[key] = r
	s.modules[r.Module.SHA256] = module
	return r
}

func (*StandIns) make(key standInKey) (*snapshot.Revision, []byte) {
	var r *snapshot.Revision
	var module []byte
	if key.deny {
		r, module = builtin.Deny(key.filter, key.t, key.reason)
	} else {
		r, module = builtin.Passthrough(key.filter, key.t)
	}
	if key.runtime != "" && key.runtime != r.VM.Runtime {
		r.VM.Runtime = key.runtime
		r.Seal()
	}
	return r, module
}

// ModuleBytes reads modules for resources: stand-ins first, then the store.
type ModuleBytes struct {
	StandIns *StandIns
	Store    interface {
		Read(sha256 string) ([]byte, error)
	}
}

// Read returns the module's bytes, verified.
func (m ModuleBytes) Read(sha256 string) ([]byte, error) {
	if module, ok := m.StandIns.Module(sha256); ok {
		return module, nil
	}
	return m.Store.Read(sha256)
}
