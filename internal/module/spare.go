package module

import (
	"os"
	"sync"

	"github.com/wasm-xds/wasm-xds/internal/atomicfile"
)

// spare creates the store's next file in advance. On ext4, the creation takes several times as long
// as reading, hashing, writing and renaming a small module.
type spare struct {
	mu   sync.Mutex
	file *atomicfile.File // nil: there is none
	shut bool
}

// take returns the spare file, or a new file.
func (s *spare) take(dir string) (*atomicfile.File, error) {
	s.mu.Lock()
	f := s.file
	s.file = nil
	s.mu.Unlock()
	if f == nil {
		return atomicfile.Create(dir)
	}
	if _, err := os.Lstat(f.Name()); err != nil {
		f.Discard() // another process removed the file
		return atomicfile.Create(dir)
	}
	return f, nil
}

// make creates the next file. An error is ignored, because take then tries again and returns its
// error.
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
