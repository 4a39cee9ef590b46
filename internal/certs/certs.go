// Package certs says which certificates are trusted, and why a TLS connection failed.
package certs

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Roots are the system's roots and the certificates of a PEM file; nil, which means the system's,
// when file is "".
func Roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		why := err
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			why = path.Err
		}
		return nil, fmt.Errorf("the CA file %s cannot be read: %w", file, why)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // there are none: those of the file are all
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the CA file %s has no certificate in PEM form", file)
	}
	return roots, nil
}
