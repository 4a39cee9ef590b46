// Package certs decides which certificates are trusted, and explains failed TLS connections.
//
// [Roots] reads the trusted certificates once, at the start. [CauseOf] is pure: it turns the error
// of a request into words and a next step.
package certs

import (
	"crypto/x509"
	"fmt"

	"github.com/wasm-xds/wasm-xds/internal/reason"
	"github.com/wasm-xds/wasm-xds/internal/regular"
)

// maxFile is the size limit of a file of certificates. The CA bundle of Debian has 220 KB.
const maxFile = 4 << 20

// Roots returns the system's roots together with the certificates of a PEM file. If file is "", the
// pool is nil, which means the system's roots.
func Roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := regular.Read(file, maxFile)
	if err != nil {
		return nil, fmt.Errorf("the CA file %s cannot be read: %s", file, reason.Of(err))
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // without system roots, use only the file
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the CA file %s has no certificate in PEM form", file)
	}
	return roots, nil
}
