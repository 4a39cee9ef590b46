package serve

import (
	"errors"
	"fmt"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

// port stands for all ports with TLS and the same certificate.
type port struct {
	*tlsserver.Server // nil: without TLS
	source            certificateSource
	ports             []string
	advice            advice // for refused clients
}

// certificateSource has the newest certificate of a port. The sources are fileSource and
// agentSource.
type certificateSource interface {
	tlsserver.Source
	// Reload reports whether the material has changed since the last call. An error says why there
	// is no newer material than the last good material.
	Reload() (changed bool, err error)
	// Problem returns the error of the last Reload, or nil.
	Problem() error
	// ready is closed when there is material.
	ready() <-chan struct{}
	// words are the words of the log and the status about the source.
	words() words
	// describe fills in where the certificate comes from.
	describe(c *api.Certificate)
	close() error
}

// words are the words of the log and the status about a source.
type words struct {
	used  string                                 // new material is used
	again string                                 // a problem has ended, and the material has not changed
	bad   func(err error) (message, hint string) // there is no newer material
	code  string                                 // of the error in the status
}

// ready is closed when Envoys can connect. A file of a certificate is there from the start.
func (p port) ready() <-chan struct{} {
	if p.Server != nil {
		return p.source.ready()
	}
	return closed()
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// errExpired is the problem of a certificate without a replacement in time.
var errExpired = errors.New("the certificate has expired, and clients refuse it")

// reload is Reload of the source, and looks at the time of the certificate, too.
func (p port) reload() (changed bool, err error) {
	changed, err = p.source.Reload()
	if m := p.source.Material(); m == nil || time.Now().Before(m.NotAfter) {
		return changed, err
	}
	if err != nil {
		return changed, fmt.Errorf("%w; %w", err, errExpired)
	}
	return changed, errExpired
}
