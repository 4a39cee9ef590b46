// Package pki issues certificates for tests: CAs, and certificates of servers and clients that a
// test makes valid, expired or wrong.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// TB is the part of [testing.TB] that this package needs.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// CA is a certificate authority.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// NewCA returns a new authority with this common name.
func NewCA(t TB, name string) *CA {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatalf("%v", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return &CA{cert: cert, key: key, pem: block("CERTIFICATE", der)}
}

// PEM returns the CA's certificate.
func (ca *CA) PEM() []byte { return ca.pem }

// Pool returns a pool with only this CA.
func (ca *CA) Pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(ca.cert)
	return p
}

// Request describes a certificate. The zero value is valid for an hour, for servers and clients,
// on 127.0.0.1 and localhost.
type Request struct {
	DNS       []string      // further DNS names
	URI       string        // for example a SPIFFE ID; "": none
	NotBefore time.Duration // from now; 0: an hour ago
	NotAfter  time.Duration // from now; 0: in an hour
}

// Pair is a certificate with its key, in PEM form.
type Pair struct{ Cert, Key []byte }

// Issue returns a new certificate.
func (ca *CA) Issue(t TB, r Request) Pair {
	t.Helper()
	key := newKey(t)
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: "test"},
		NotBefore: now.Add(or(r.NotBefore, -time.Hour)), NotAfter: now.Add(or(r.NotAfter, time.Hour)),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: append([]string{"localhost"}, r.DNS...),
	}
	if r.URI != "" {
		u, err := url.Parse(r.URI)
		if err != nil {
			t.Fatalf("%v", err)
		}
		template.URIs = []*url.URL{u}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		t.Fatalf("%v", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return Pair{Cert: block("CERTIFICATE", der), Key: block("PRIVATE KEY", keyDER)}
}

// TLS returns the pair for crypto/tls.
func (p Pair) TLS(t TB) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return c
}

// WriteFiles writes tls.crt and tls.key into a directory. Each file is replaced as a whole.
func (p Pair) WriteFiles(t TB, dir string) (cert, key string) {
	t.Helper()
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	WriteFile(t, cert, p.Cert)
	WriteFile(t, key, p.Key)
	return cert, key
}

// WriteFile replaces a file as a whole.
func WriteFile(t TB, path string, text []byte) {
	t.Helper()
	temporary := path + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		t.Fatalf("%v", err)
	}
}

func newKey(t TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return key
}

func serial(t TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return n
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func or(d, byDefault time.Duration) time.Duration {
	if d == 0 {
		return byDefault
	}
	return d
}

// Client returns a configuration for clients that trust this CA and show no certificate.
func (ca *CA) Client() *tls.Config {
	return &tls.Config{RootCAs: ca.Pool(), MinVersion: tls.VersionTLS12}
}

// Serial returns the serial number of the first certificate in PEM form, in hex as OpenSSL and
// Envoy write it.
func Serial(t TB, text []byte) string {
	t.Helper()
	b, _ := pem.Decode(text)
	if b == nil {
		t.Fatalf("no certificate")
	}
	c, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return hex.EncodeToString(c.SerialNumber.Bytes())
}
