package module

import (
	"os"
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
)

// spare is a file that is begun before anybody needs it: on ext4 that takes several times
// as long as to read, hash, write and rename a small module.
type spare struct {
	mu   sync.Mutex
	file *atomicfile.File // nil: there is none
	shut bool
}

// take gives the spare file, or a new one.
func (s *spare) take(dir string) (*atomicfile.File, error) {
	s.mu.Lock()
	f := s.file
	s.file = nil
	s.mu.Unlock()
	if f == nil {
		return atomicfile.Create(dir)
	}
	if _, err := os.Lstat(f.Name()); err != nil {
		f.Discard() // somebody has cleaned up
		return atomicfile.Create(dir)
	}
	return f, nil
}

// make begins the next file. Where it cannot, whoever needs one gets the error.
func (s *spare) make(dir string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil || s.shut {
		return
	}
	if f, err := atomicfile.Create(dir); err == nil {
		s.file = f
	}
}

func (s *spare) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	if s.file != nil {
		s.file.Discard()
		s.file = nil
	}
}

// Close removes what was begun and never needed. Modules can still be put after it.
func (s *Store) Close() { s.spare.close() }
