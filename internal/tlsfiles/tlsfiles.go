// Package tlsfiles keeps the certificate of a TLS server, and the CAs of its clients, as files have
// them now.
//
// [Open] reads the files. [Files.Reload] reads them again: a whole and valid set of new files takes
// the place of the old set at once, and anything else changes nothing. So a half-written file, or a
// certificate that is replaced before its key, never stops the server. [Files.ServerConfig] makes a
// configuration in which each handshake uses the newest set. A [Server] has what gRPC and HTTP
// servers need around it, and closes the connections of clients that are not trusted any more.
//
// gRPC's pemfile provider does the same, but it tells nobody about a bad file except its own log,
// and that log line has the private key in it.
package tlsfiles

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/regular"
)

// Config names the PEM files of a server.
type Config struct {
	CertFile string // the server's certificate, then the intermediate certificates
	KeyFile  string // its private key, without a passphrase
	// ClientCAFile has the CAs of the clients. "" means that clients need no certificate.
	ClientCAFile string
}

// Files is the content of the files. Files is safe for concurrent use.
type Files struct {
	config  Config
	current atomic.Pointer[material]
	problem atomic.Pointer[error] // of the last read; nil: none yet
}

// material is one set of files. It never changes.
type material struct {
	certificate tls.Certificate
	clientCAs   *x509.CertPool // nil: no file
	notAfter    time.Time      // the first end of a certificate in the set
	sum         [sha256.Size]byte
}

// maxFile is the size limit of a file. The CA bundle of Debian has 220 KB.
const maxFile = 4 << 20

// Open reads the files. It returns an error with the file's name if a file cannot be read, or if
// the certificate and the key do not belong together. Open accepts a certificate that has expired:
// the clients refuse it.
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

// IsFor reports whether the server's certificate is valid for a host name or an IP address.
func (f *Files) IsFor(host string) bool {
	leaf := f.current.Load().certificate.Leaf
	return leaf.VerifyHostname(host) == nil
}

// NotAfter returns the time at which the first certificate of the server's chain expires.
func (f *Files) NotAfter() time.Time { return f.current.Load().notAfter }

// ServerConfig returns a configuration for TLS 1.2 and later with Go's own choice of ciphers.
// protocols are the protocols for ALPN, for example h2. If there is a file of client CAs, each
// client needs a valid certificate of them.
//
// Sessions are never resumed. A resumed session would keep a client whose CA has been removed.
func (f *Files) ServerConfig(protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			m := f.current.Load()
			c := &tls.Config{
				MinVersion:             tls.VersionTLS12,
				NextProtos:             protocols,
				Certificates:           []tls.Certificate{m.certificate},
				SessionTicketsDisabled: true,
			}
			if m.clientCAs != nil {
				c.ClientCAs, c.ClientAuth = m.clientCAs, tls.RequireAndVerifyClientCert
			}
			return c, nil
		},
	}
}

// VerifyClient checks the certificate chain of an open connection against the newest client CAs.
// The zero time leaves out the check of the certificate's validity period. Without a file of client
// CAs every client is valid.
func (f *Files) VerifyClient(chain []*x509.Certificate, now time.Time) error {
	m := f.current.Load()
	if m.clientCAs == nil {
		return nil
	}
	if len(chain) == 0 {
		return errors.New("the client has no certificate")
	}
	if now.IsZero() {
		now = chain[0].NotAfter
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: m.clientCAs, Intermediates: intermediates, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

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
	m := &material{}
	if m.certificate, err = tls.X509KeyPair(cert, key); err != nil {
		return nil, fmt.Errorf("%s and %s: %w", c.CertFile, c.KeyFile, err)
	}
	if m.notAfter, err = firstEnd(m.certificate.Certificate); err != nil {
		return nil, fmt.Errorf("%s: %w", c.CertFile, err)
	}
	var cas []byte
	if c.ClientCAFile != "" {
		if cas, err = regular.Read(c.ClientCAFile, maxFile); err != nil {
			return nil, err
		}
		if m.clientCAs, err = pool(cas); err != nil {
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

// firstEnd returns the earliest end of a chain.
func firstEnd(chain [][]byte) (time.Time, error) {
	var first time.Time
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return time.Time{}, err
		}
		if first.IsZero() || c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first, nil
}
