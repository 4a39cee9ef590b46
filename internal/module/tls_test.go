package module

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/registry"
)

// TestCertificatesOfURLs checks whether the trusted CA applies to module.url, and that the hint
// matches the fault.
func TestCertificatesOfURLs(t *testing.T) {
	quiet := log.New(io.Discard, "", 0)
	good := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(goodWasm)) })
	secure := httptest.NewUnstartedServer(good)
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(good)
	defer plain.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	for _, tt := range []struct {
		name, url string
		roots     *x509.CertPool
		code      string // "": the fetch succeeds
		message   string
		hint      string
	}{
		{"trusted", secure.URL, roots, "", "", ""},
		{"unknown authority", secure.URL, nil, CodeDownloadFailed, "its certificate is not trusted", "--ca-file"},
		{"wrong name", strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), roots, CodeDownloadFailed, "localhost", "use a name that the certificate has"},
		{"plain HTTP", strings.Replace(plain.URL, "http://", "https://", 1), roots, CodeDownloadFailed, "speaks plain HTTP", "write http://"},
		{"TLS", strings.Replace(secure.URL, "https://", "http://", 1), roots, CodeRefused, "400", "write https://"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &Resolver{Store: newStore(t), Roots: tt.roots}
			_, err := r.Resolve(t.Context(), urlModule(tt.url+"/x.wasm"))
			if tt.code == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, tt.code, tt.message, tt.hint)
		})
	}
}

// TestTLSOfRegistries checks the hints that name flags for registries.
func TestTLSOfRegistries(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	host := func(s *httptest.Server) string { return s.Listener.Addr().String() }
	for _, tt := range []struct {
		name          string
		host          string
		cfg           registry.Config
		code          string
		message, hint string
	}{
		{"unknown authority", host(secure), registry.Config{}, registry.CodeUntrusted, "its certificate is not trusted", "--ca-file"},
		{"plain HTTP", host(plain), registry.Config{}, registry.CodeUnreachable, "it speaks plain HTTP", "--insecure-registry " + host(plain)},
		{"TLS", host(secure), registry.Config{Insecure: []string{host(secure)}}, registry.CodeRefused, "it speaks HTTPS", "take it out of --insecure-registry"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ociResolver(t, tt.cfg).Resolve(t.Context(), ociModule(t, tt.host+"/team/a:v1"))
			wantError(t, err, tt.code, tt.message, tt.hint)
		})
	}
}
