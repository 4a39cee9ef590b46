// Package sigstoretest is a private Sigstore on this machine: a certificate authority (Fulcio), a
// transparency log (Rekor) and a timestamp authority, with a trusted root as their proof. The real
// cosign and sigstore's own library sign with this Sigstore.
//
//   - authority.go: certificates for the owner of any token.
//   - log.go: a transparency log with one tree for each entry.
//   - timestamp.go: RFC 3161 timestamps.
//   - keys.go: key pairs, and the ids of logs.
//   - sign.go: signatures by sigstore's library.
package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
)

// Sigstore is a running Sigstore, safe for concurrent use.
type Sigstore struct {
	// Fulcio, Rekor and TSA are the URLs of the parts.
	Fulcio, Rekor, TSA string

	authority authority
	log       log
	stamps    stamps
	requests  atomic.Int64
}

// Start starts a Sigstore, which ends with the test.
func Start(t testing.TB) *Sigstore {
	t.Helper()
	s := &Sigstore{authority: newAuthority(t), log: newLog(t)}
	s.stamps = newStamps(t, &s.authority)
	s.Fulcio, s.Rekor, s.TSA = s.serve(t, s.authority.handler()), s.serve(t, s.log.handler()), s.serve(t, s.stamps.handler())
	return s
}

// serve returns the URL of a server.
func (s *Sigstore) serve(t testing.TB, h http.Handler) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Requests is the number of requests to all parts until now.
func (s *Sigstore) Requests() int64 { return s.requests.Load() }

// Root selects the parts of a trusted root.
type Root struct {
	NoLog, NoTSA bool
	// CertificateLog adds a log of certificates, which none of the certificates is in.
	CertificateLog bool
	// Until is the end of the validity of everything; zero: no end.
	Until time.Time
}

// WriteRoot writes a trusted root to a temporary file of the test.
func (s *Sigstore) WriteRoot(t testing.TB, r Root) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trusted_root.json")
	if err := os.WriteFile(file, s.RootJSON(t, r), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// RootJSON returns a trusted root.
func (s *Sigstore) RootJSON(t testing.TB, r Root) []byte {
	t.Helper()
	start := time.Now().Add(-time.Hour)
	certificates := []root.CertificateAuthority{&root.FulcioCertificateAuthority{
		Root: s.authority.root, Intermediates: []*x509.Certificate{s.authority.intermediate},
		URI: s.Fulcio, ValidityPeriodStart: start, ValidityPeriodEnd: r.Until,
	}}
	logs, certificateLogs := map[string]*root.TransparencyLog{}, map[string]*root.TransparencyLog{}
	add := func(to map[string]*root.TransparencyLog, url string, key *ecdsa.PrivateKey) {
		id := keyID(t, key.Public())
		to[hex.EncodeToString(id)] = &root.TransparencyLog{
			BaseURL: url, ID: id, ValidityPeriodStart: start, ValidityPeriodEnd: r.Until,
			HashFunc: crypto.SHA256, PublicKey: key.Public(), SignatureHashFunc: crypto.SHA256,
		}
	}
	if !r.NoLog {
		add(logs, s.Rekor, s.log.key)
	}
	if r.CertificateLog {
		add(certificateLogs, "http://ct.invalid", newKey(t))
	}
	var stamps []root.TimestampingAuthority
	if !r.NoTSA {
		stamps = append(stamps, &root.SigstoreTimestampingAuthority{
			Root: s.authority.root, Leaf: s.stamps.certificate, URI: s.TSA, ValidityPeriodStart: start, ValidityPeriodEnd: r.Until,
		})
	}
	trusted, err := root.NewTrustedRoot(root.TrustedRootMediaType01, certificates, certificateLogs, stamps, logs)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(trusted)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
