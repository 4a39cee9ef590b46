package control

import (
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// served are the modules of the revisions that may be served. It is safe for concurrent use; the
// zero value is empty.
type served struct {
	mu      sync.RWMutex
	modules map[string]struct{} // by sha256
}

func (s *served) has(sha256 string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.modules[sha256]
	return ok
}

// add takes the modules of some of a snapshot's filters.
func (s *served) add(of *snapshot.Snapshot, names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		f := of.Get(name)
		if f == nil || f.Revision == nil {
			continue
		}
		if s.modules == nil {
			s.modules = map[string]struct{}{}
		}
		s.modules[f.Revision.Module.SHA256] = struct{}{}
	}
}

// replace takes these modules, by sha256, and drops all other modules.
func (s *served) replace(named map[string]time.Time) {
	modules := make(map[string]struct{}, len(named))
	for sum := range named {
		modules[sum] = struct{}{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modules = modules
}
