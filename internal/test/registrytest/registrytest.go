// Package registrytest runs real OCI registries for tests: distribution's, with its
// blobs in memory, over plain HTTP or TLS, open or with basic or token authentication.
//
//	r := registrytest.Start(t, registrytest.Options{TLS: true, User: "ann", Password: "secret"})
//	digest := r.Push(t, "team/filter:v1", registrytest.Artifact(module))
//	… ask for r.Ref("team/filter:v1"), trusting r.CAFile …
//
// [Debian] starts Debian's docker-registry instead. Each registry is a process behind a
// reverse proxy in the test's own process, which does TLS, counts requests and can be
// stopped.
package registrytest

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// Options configure a registry. The zero value means plain HTTP without authentication.
type Options struct {
	TLS bool
	// User and Password are required from every client, by basic authentication. With Token, the
	// registry's own token server requires them.
	User, Password string
	Token          bool
	// Wrap, if not nil, wraps the registry's handler and may answer instead.
	Wrap func(http.Handler) http.Handler
}

// Registry is a registry that runs until the test ends.
type Registry struct {
	Host   string // host:port
	CAFile string // the certificate in PEM with TLS, else ""

	options Options
	proxy   http.Handler
	tokens  http.Handler
	cert    tls.Certificate

	mu       sync.Mutex
	server   *http.Server
	served   chan struct{}
	requests []Request
}

// Request is a request to the registry.
type Request struct{ Method, Path string }

// Start starts a registry on a free port.
func Start(t testing.TB, options Options) *Registry {
	t.Helper()
	return start(t, options, distribution)
}

// Debian starts Debian's docker-registry, an older and common release of distribution, over plain
// HTTP without authentication. The test fails if the package is not installed. .ci/run installs the
// package.
func Debian(t testing.TB) *Registry {
	t.Helper()
	path, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Fatal("there is no docker-registry: install Debian's package of this name (apt-get install docker-registry)")
	}
	return start(t, Options{}, func() (string, error) { return path, nil })
}

func start(t testing.TB, options Options, program func() (string, error)) *Registry {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	r := &Registry{options: options}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Host = listener.Addr().String()
	if options.TLS {
		r.makeCertificate(t)
	}
	c := newConfig()
	r.addAuth(t, c)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	r.proxy = proxyTo(run(t, path, c), transport)
	r.serve(listener)
	t.Cleanup(r.Stop)
	return r
}

// proxyTo forwards requests unchanged. The registry makes absolute URLs for uploads and tokens, so
// the proxy passes on the client's host and scheme.
func proxyTo(host string, transport *http.Transport) http.Handler {
	target := &url.URL{Scheme: "http", Host: host}
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host
			p.SetXForwarded()
		},
		Transport:     transport,
		FlushInterval: -1, // at once
		ErrorLog:      log.New(io.Discard, "", 0),
	}
}

// Ref returns a reference in the registry: repository:tag or repository@digest.
func (r *Registry) Ref(what string) string { return r.Host + "/" + what }

// Stop makes the registry unreachable until [Registry.Restart], and keeps the content.
func (r *Registry) Stop() {
	r.mu.Lock()
	server, served := r.server, r.served
	r.server = nil
	r.mu.Unlock()
	if server == nil {
		return
	}
	_ = server.Close() // an error does not matter here
	<-served
}

// Restart makes a stopped registry reachable at the same address.
func (r *Registry) Restart(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", r.Host)
	if err != nil {
		t.Fatal(err)
	}
	r.serve(listener)
}

// Requests returns the recorded requests with a path that contains part, with any method, and
// removes them from the record.
func (r *Registry) Requests(part string) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found, others []Request
	for _, one := range r.requests {
		if strings.Contains(one.Path, part) {
			found = append(found, one)
		} else {
			others = append(others, one)
		}
	}
	r.requests = others
	return found
}

func (r *Registry) serve(listener net.Listener) {
	server := &http.Server{Handler: r.handler(), ErrorLog: log.New(io.Discard, "", 0)}
	if r.options.TLS {
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{r.cert}, NextProtos: []string{"http/1.1"}})
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(fmt.Sprintf("registrytest: %v", err))
		}
	}()
	r.mu.Lock()
	r.server, r.served = server, served
	r.mu.Unlock()
}

func (r *Registry) handler() http.Handler {
	registry := r.proxy
	if r.options.Wrap != nil {
		registry = r.options.Wrap(registry)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, Request{request.Method, request.URL.Path})
		r.mu.Unlock()
		if request.URL.Path == tokenPath && r.tokens != nil {
			r.tokens.ServeHTTP(w, request)
			return
		}
		registry.ServeHTTP(w, request)
	})
}

func (r *Registry) addAuth(t testing.TB, c config) {
	t.Helper()
	switch {
	case r.options.Token:
		scheme := "http"
		if r.options.TLS {
			scheme = "https"
		}
		tokens, jwks := newTokenServer(t, r.options.User, r.options.Password)
		r.tokens = tokens
		c["auth"] = config{"token": config{
			"realm": scheme + "://" + r.Host + tokenPath, "issuer": tokenIssuer, "service": tokenService, "jwks": jwks,
		}}
	case r.options.User != "":
		hash, err := bcrypt.GenerateFromPassword([]byte(r.options.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "htpasswd")
		if err := os.WriteFile(file, fmt.Appendf(nil, "%s:%s\n", r.options.User, hash), 0o600); err != nil {
			t.Fatal(err)
		}
		c["auth"] = config{"htpasswd": config{"realm": "test", "path": file}}
	}
}

// makeCertificate uses the certificate of net/http/httptest for 127.0.0.1.
func (r *Registry) makeCertificate(t testing.TB) {
	t.Helper()
	lender := httptest.NewTLSServer(http.NotFoundHandler())
	defer lender.Close()
	r.cert = lender.TLS.Certificates[0]
	r.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.cert.Certificate[0]})
	if err := os.WriteFile(r.CAFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// client returns an HTTP client that trusts the registry.
func (r *Registry) client() *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	if r.options.TLS {
		roots := x509.NewCertPool()
		if cert, err := x509.ParseCertificate(r.cert.Certificate[0]); err == nil {
			roots.AddCert(cert)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return &http.Client{Transport: transport}
}
