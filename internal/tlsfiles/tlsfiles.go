// Package tlsfiles keeps the certificate of a TLS server, and the CAs of its clients, as files have
// them now.
//
// [Open] reads the files. [Files.Reload] reads them again: a whole and valid set of new files takes
// the place of the old set at once, and anything else changes nothing. So a half-written file, or a
// certificate replaced before the key, never stops the server. [Files] is the source of a
// [tlsserver.Server].
//
// gRPC's pemfile provider does the same, but reports a bad file only in gRPC's own log, and the
// line there has the private key.
package tlsfiles

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/wasm-xds/wasm-xds/internal/regular"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

// Config names the PEM files of a server.
type Config struct {
	CertFile string // the server's certificate, then the intermediate certificates
	KeyFile  string // the certificate's private key, without a passphrase
	// ClientCAFile has the CAs of the clients. "" means that clients need no certificate.
	ClientCAFile string
}

// Files is the content of the files. Files is safe for concurrent use.
type Files struct {
	config  Config
	current atomic.Pointer[material]
	problem atomic.Pointer[error] // of the last read; nil: none yet
}

// material is a set of files. It never changes.
type material struct {
	*tlsserver.Material
	sum [sha256.Size]byte
}

// maxFile is the size limit of a file. The CA bundle of Debian has 220 KB.
const maxFile = 4 << 20

// Open reads the files. It returns an error with the file's name for an unreadable file, and an
// error for a certificate and a key that do not belong together. Open accepts an expired
// certificate: the clients refuse the certificate.
func Open(c Config) (*Files, error) {
	m, err := read(c)
	if err != nil {
		return nil, err
	}
	f := &Files{config: c}
	f.current.Store(m)
	return f, nil
}

// Reload reads the files again, and reports whether they have changed. After an error, the former
// content stays.
func (f *Files) Reload() (changed bool, err error) {
	m, err := read(f.config)
	f.problem.Store(&err)
	if err != nil || m.sum == f.current.Load().sum {
		return false, err
	}
	f.current.Store(m)
	return true, nil
}

// Config returns the names of the files.
func (f *Files) Config() Config { return f.config }

// Problem returns the error of the last [Files.Reload], or nil.
func (f *Files) Problem() error {
	if err := f.problem.Load(); err != nil {
		return *err
	}
	return nil
}

// Material implements [tlsserver.Source].
func (f *Files) Material() *tlsserver.Material { return f.current.Load().Material }

// read reads and checks a set of files.
func read(c Config) (*material, error) {
	cert, err := regular.Read(c.CertFile, maxFile)
	if err != nil {
		return nil, err
	}
	key, err := regular.Read(c.KeyFile, maxFile)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", c.CertFile, c.KeyFile, err)
	}
	m := &material{}
	if m.Material, err = tlsserver.NewMaterial(pair); err != nil {
		return nil, fmt.Errorf("%s: %w", c.CertFile, err)
	}
	var cas []byte
	if c.ClientCAFile != "" {
		if cas, err = regular.Read(c.ClientCAFile, maxFile); err != nil {
			return nil, err
		}
		if m.ClientCAs, err = pool(cas); err != nil {
			return nil, fmt.Errorf("%s: %w", c.ClientCAFile, err)
		}
	}
	sum := sha256.New()
	for _, text := range [][]byte{cert, key, cas} {
		one := sha256.Sum256(text)
		_, _ = sum.Write(one[:]) // never fails
	}
	sum.Sum(m.sum[:0])
	return m, nil
}

// pool returns the CAs of a PEM file. Other than [x509.CertPool.AppendCertsFromPEM], pool refuses a
// file with a broken certificate among good ones.
func pool(text []byte) (*x509.CertPool, error) {
	p, found := x509.NewCertPool(), false
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a block %q is among the certificates", block.Type)
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		p.AddCert(c)
		found = true
	}
	if !found {
		return nil, errors.New("no certificate in PEM form is in it")
	}
	return p, nil
}
