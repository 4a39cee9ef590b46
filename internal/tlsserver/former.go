package tlsserver

import (
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"time"
)

// revokedPrefix begins the error of a client with a formerly trusted authority.
const revokedPrefix = "the authority is not trusted any more: "

// mostFormer bounds the remembered material.
const mostFormer = 4

// former is the material of earlier times with other CAs of clients. The material only explains
// refusals in the log. The zero value is empty. Safe for concurrent use.
type former struct {
	mu      sync.Mutex
	current *Material
	earlier []*Material // the newest last
}

// note remembers the material before m, if m has other CAs.
func (f *former) note(m *Material) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m == f.current {
		return
	}
	if before := f.current; before != nil && before.ClientCAs != nil && m != nil && !before.ClientCAs.Equal(m.ClientCAs) {
		f.earlier = append(f.earlier, &Material{ClientCAs: before.ClientCAs, CheckClient: before.CheckClient}) // without the key
		f.earlier = f.earlier[max(0, len(f.earlier)-mostFormer):]
	}
	f.current = m
}

// explain adds to the error of a client's chain that the client was trusted before.
func (f *former) explain(chain []*x509.Certificate, err error) error {
	f.mu.Lock()
	earlier := slices.Clone(f.earlier)
	f.mu.Unlock()
	for _, m := range earlier {
		if len(chain) > 0 && m.verify(chain, time.Now()) == nil {
			return fmt.Errorf("%s%w", revokedPrefix, err)
		}
	}
	return err
}
