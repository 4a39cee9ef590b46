package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// issue makes a self-signed certificate and a PEM file with the certificate.
func issue(t *testing.T, change func(*x509.Certificate)) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the test's own CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(c)
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// ask sends a request to a server with these settings and returns the error.
func ask(t *testing.T, scheme, roots string, settings *tls.Config) error {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if settings != nil {
		server.TLS = settings
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()
	pool, err := Roots(roots)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, scheme+"://"+server.Listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err == nil {
		response.Body.Close()
	}
	return err
}

func TestTheHintFollowsTheCause(t *testing.T) {
	same := func(*x509.Certificate) {}
	for _, tt := range []struct {
		name          string
		scheme        string // "" means https
		cert          func(*x509.Certificate)
		unknown       bool // the client does not know the CA
		settings      func(*tls.Config)
		plain         bool // the server speaks no TLS
		words, hint   string
		isCertificate bool
	}{
		{name: "unknown authority", cert: same, unknown: true, words: "not known here (CN=the test's own CA)", hint: "--ca-file", isCertificate: true},
		{name: "expired", cert: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }, words: "has expired on", hint: "issued anew; look at this machine's clock", isCertificate: true},
		{name: "not yet valid", cert: func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }, words: "is not valid before", hint: "wait until then", isCertificate: true},
		{name: "wrong name", cert: func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} }, words: "127.0.0.1", hint: "use a name that the certificate has", isCertificate: true},
		{name: "not a server's", cert: func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, words: "incompatible key usage", hint: "issued anew", isCertificate: true},
		{name: "plain HTTP", cert: same, plain: true, words: "speaks plain HTTP", hint: "on which it speaks HTTPS"},
		{name: "client certificate, TLS 1.3", cert: same, settings: func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, words: "client's certificate", hint: "where none is asked for"},
		{name: "client certificate, TLS 1.2", cert: same, settings: func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12 }, words: "wants a client's certificate", hint: "ask for no certificate"},
		{name: "an old version", cert: same, settings: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, words: "no version of TLS from 1.2 on", hint: "TLS 1.2 or 1.3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cert, file := issue(t, tt.cert)
			var settings *tls.Config
			if !tt.plain {
				settings = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10}
				if tt.settings != nil {
					tt.settings(settings)
				}
			}
			if tt.unknown {
				file = ""
			}
			err := ask(t, "https", file, settings)
			got, ok := CauseOf(err)
			if !ok || !strings.Contains(got.Words, tt.words) || !strings.Contains(got.Hint, tt.hint) || got.Certificate != tt.isCertificate || got.Plain != tt.plain {
				t.Errorf("%v\nis %+v", err, got)
			}
		})
	}
}

// TestOtherErrors checks whether other errors have no TLS cause.
func TestOtherErrors(t *testing.T) {
	for _, err := range []error{nil, errors.New("no route to host"), context.DeadlineExceeded, io.EOF} {
		if got, ok := CauseOf(err); ok {
			t.Errorf("%v is %+v", err, got)
		}
	}
}

func TestTLSWhereNoneWasExpected(t *testing.T) {
	got, ok := CauseOf(errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x01\x00\x02\x02"`))
	if !ok || !strings.Contains(got.Hint, "https://") {
		t.Errorf("%+v", got)
	}
	if !WantsTLS("Client sent an HTTP request to an HTTPS server.\n") || WantsTLS("bad request") {
		t.Error("a refusal is misread")
	}
}

func TestRoots(t *testing.T) {
	if roots, err := Roots(""); roots != nil || err != nil {
		t.Errorf("without a file: %v, %v", roots, err)
	}
	missing := filepath.Join(t.TempDir(), "none.pem")
	if _, err := Roots(missing); err == nil || !strings.Contains(err.Error(), missing+" cannot be read: no such file") {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(missing, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Roots(missing); err == nil || !strings.Contains(err.Error(), "has no certificate in PEM form") {
		t.Errorf("a file without certificates: %v", err)
	}
}
