package tlsfiles_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsfiles"
)

// connect returns the client's end of a gRPC connection after the handshake.
func connect(t *testing.T, files *tlsfiles.Server, client *tls.Config) *tls.Conn {
	t.Helper()
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() {
		conn, _, err := files.GRPC(func(_ net.Addr, err error) { t.Errorf("refused: %v", err) }).ServerHandshake(a)
		if err == nil {
			t.Cleanup(func() { _ = conn.Close() })
		}
		done <- err
	}()
	c := tls.Client(b, client)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return c
}

// After a CA is removed, the connections of its clients are closed, and others go on.
func TestCloseUntrusted(t *testing.T) {
	f := newFixture(t)
	others := pki.NewCA(t, "others")
	pki.WriteFile(t, f.config.ClientCAFile, append(f.clients.PEM(), others.PEM()...))
	files := tlsfiles.NewServer(f.open(t))
	config := func(ca *pki.CA) *tls.Config {
		return &tls.Config{
			ServerName: "localhost", RootCAs: f.servers.Pool(), NextProtos: []string{"h2"},
			Certificates: []tls.Certificate{ca.Issue(t, pki.Request{}).TLS(t)},
		}
	}
	first, second := connect(t, files, config(f.clients)), connect(t, files, config(others))
	if closed := files.CloseUntrusted(); len(closed) != 0 {
		t.Errorf("%d connections are closed without a change", len(closed))
	}
	pki.WriteFile(t, f.config.ClientCAFile, others.PEM())
	if _, err := files.Reload(); err != nil {
		t.Fatal(err)
	}
	if closed := files.CloseUntrusted(); len(closed) != 1 {
		t.Errorf("%d connections are closed", len(closed))
	}
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the connection of the removed CA is open")
	}
	if closed := files.CloseUntrusted(); len(closed) != 0 {
		t.Errorf("%d connections are closed a second time", len(closed))
	}
	_ = second.NetConn().Close()
}

// A request that lasts, as an event stream does, ends when its client is not trusted any more.
func TestCloseUntrustedEndsRequests(t *testing.T) {
	f := newFixture(t)
	files := tlsfiles.NewServer(f.open(t))
	leaf, err := x509.ParseCertificate(f.clients.Issue(t, pki.Request{}).TLS(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
		files.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(began)
			<-r.Context().Done()
		})).ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-began
	pki.WriteFile(t, f.config.ClientCAFile, pki.NewCA(t, "others").PEM())
	if _, err := files.Reload(); err != nil {
		t.Fatal(err)
	}
	if closed := files.CloseUntrusted(); len(closed) != 1 {
		t.Errorf("%d requests are ended", len(closed))
	}
	<-ended
	if closed := files.CloseUntrusted(); len(closed) != 0 {
		t.Errorf("%d requests are ended a second time", len(closed))
	}
}

func TestHandler(t *testing.T) {
	f := newFixture(t)
	files := tlsfiles.NewServer(f.open(t))
	leaf, err := x509.ParseCertificate(f.clients.Issue(t, pki.Request{}).TLS(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	answer := func(state *tls.ConnectionState) int {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.TLS = state
		w := httptest.NewRecorder()
		files.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })).ServeHTTP(w, r)
		return w.Code
	}
	known := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
	if !files.IsFor("localhost") || files.IsFor("other.example") {
		t.Error("the names of the certificate are wrong")
	}
	if code := answer(known); code != http.StatusNoContent {
		t.Errorf("a trusted client gets %d", code)
	}
	pki.WriteFile(t, f.config.ClientCAFile, pki.NewCA(t, "others").PEM())
	if _, err := files.Reload(); err != nil {
		t.Fatal(err)
	}
	for _, state := range []*tls.ConnectionState{known, {}, nil} {
		if code := answer(state); code != http.StatusUnauthorized {
			t.Errorf("a client that is not trusted gets %d", code)
		}
	}
}
