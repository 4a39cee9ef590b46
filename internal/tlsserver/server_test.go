package tlsserver_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/test/pki"
	"github.com/wasm-xds/wasm-xds/internal/tlsserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a source with replaceable material.
type source struct {
	atomic.Pointer[tlsserver.Material]
}

func (s *source) Material() *tlsserver.Material { return s.Load() }

// trust replaces the CAs of clients.
func (s *source) trust(cas ...*pki.CA) {
	m := *s.Load()
	m.ClientCAs = x509.NewCertPool()
	for _, ca := range cas {
		m.ClientCAs.AppendCertsFromPEM(ca.PEM())
	}
	s.Store(&m)
}

// newServer returns a server that trusts clients of these CAs, and the CA of the server's own
// certificate.
func newServer(t *testing.T, clients ...*pki.CA) (*tlsserver.Server, *source, *pki.CA) {
	t.Helper()
	servers := pki.NewCA(t, "servers")
	m, err := tlsserver.NewMaterial(servers.Issue(t, pki.Request{}).TLS(t))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{}
	s.Store(m)
	s.trust(clients...)
	return tlsserver.New(s), s, servers
}

func leafOf(t *testing.T, p pki.Pair) []*x509.Certificate {
	t.Helper()
	c, err := x509.ParseCertificate(p.TLS(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return []*x509.Certificate{c}
}

// denied answers untrusted clients.
func denied(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusTeapot) }

// connect returns the client's end of a gRPC connection after the handshake.
func connect(t *testing.T, server *tlsserver.Server, client *tls.Config) *tls.Conn {
	t.Helper()
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() {
		conn, _, err := server.GRPC("xds", func(_ net.Addr, err error) { t.Errorf("refused: %v", err) }).ServerHandshake(a)
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

// After the removal of a CA, the connections of the CA's clients are closed, and all other
// connections go on.
func TestCloseUntrusted(t *testing.T) {
	clients, others := pki.NewCA(t, "clients"), pki.NewCA(t, "others")
	server, source, servers := newServer(t, clients, others)
	config := func(ca *pki.CA) *tls.Config {
		return &tls.Config{
			ServerName: "localhost", RootCAs: servers.Pool(), NextProtos: []string{"h2"},
			Certificates: []tls.Certificate{ca.Issue(t, pki.Request{}).TLS(t)},
		}
	}
	first, second := connect(t, server, config(clients)), connect(t, server, config(others))
	if closed := server.CloseUntrusted(); len(closed) != 0 {
		t.Errorf("%d connections are closed without a change", len(closed))
	}
	source.trust(others)
	if closed := server.CloseUntrusted(); len(closed) != 1 {
		t.Errorf("%d connections are closed", len(closed))
	}
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the connection of the removed CA is open")
	}
	if closed := server.CloseUntrusted(); len(closed) != 0 {
		t.Errorf("%d connections are closed a second time", len(closed))
	}
	_ = second.NetConn().Close()
}

// A long request, for example an event stream, ends with the trust in the client.
func TestCloseUntrustedEndsRequests(t *testing.T) {
	clients := pki.NewCA(t, "clients")
	server, source, _ := newServer(t, clients)
	chain := leafOf(t, clients.Issue(t, pki.Request{}))
	began, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.TLS = &tls.ConnectionState{PeerCertificates: chain}
		server.Handler("admin", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(began)
			<-r.Context().Done()
		}), denied).ServeHTTP(httptest.NewRecorder(), r)
	}()
	<-began
	source.trust(pki.NewCA(t, "others"))
	if closed := server.CloseUntrusted(); len(closed) != 1 {
		t.Errorf("%d requests are ended", len(closed))
	}
	<-ended
	if closed := server.CloseUntrusted(); len(closed) != 0 {
		t.Errorf("%d requests are ended a second time", len(closed))
	}
}

func TestHandler(t *testing.T) {
	clients := pki.NewCA(t, "clients")
	server, source, _ := newServer(t, clients)
	answer := func(state *tls.ConnectionState) int {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.TLS = state
		w := httptest.NewRecorder()
		server.Handler("admin", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), denied).ServeHTTP(w, r)
		return w.Code
	}
	known := &tls.ConnectionState{PeerCertificates: leafOf(t, clients.Issue(t, pki.Request{}))}
	if !server.IsFor("localhost") || server.IsFor("other.example") {
		t.Error("the names of the certificate are wrong")
	}
	if code := answer(known); code != http.StatusNoContent {
		t.Errorf("a trusted client gets %d", code)
	}
	source.trust(pki.NewCA(t, "others"))
	for _, state := range []*tls.ConnectionState{known, {}, nil} {
		if code := answer(state); code != http.StatusTeapot {
			t.Errorf("a client that is not trusted gets %d", code)
		}
	}
}

func TestVerifyClient(t *testing.T) {
	clients, others := pki.NewCA(t, "clients"), pki.NewCA(t, "others")
	server, source, _ := newServer(t, clients)
	valid := leafOf(t, clients.Issue(t, pki.Request{}))
	if err := server.VerifyClient(valid, time.Now()); err != nil {
		t.Error(err)
	}
	for name, one := range map[string]struct {
		chain []*x509.Certificate
		now   time.Time
	}{
		"none": {nil, time.Now()}, "foreign": {leafOf(t, others.Issue(t, pki.Request{})), time.Now()},
		"expired since": {valid, time.Now().Add(2 * time.Hour)},
	} {
		if server.VerifyClient(one.chain, one.now) == nil {
			t.Errorf("%s: valid", name)
		}
	}
	if err := server.VerifyClient(valid, time.Time{}); err != nil {
		t.Errorf("without a time: %v", err)
	}
	source.trust(others)
	if server.VerifyClient(valid, time.Now()) == nil {
		t.Error("a client of the removed CA is valid")
	}
}

// A server without material yet lets nobody in, and needs no more than material to begin.
func TestNoMaterialYet(t *testing.T) {
	clients := pki.NewCA(t, "clients")
	empty := &source{}
	server := tlsserver.New(empty)
	if _, err := server.Config().GetConfigForClient(nil); err == nil {
		t.Error("a handshake has a configuration")
	}
	chain := leafOf(t, clients.Issue(t, pki.Request{}))
	if server.IsFor("localhost") || server.VerifyClient(chain, time.Now()) == nil {
		t.Error("the server has names, or a client is valid")
	}
	_, full, _ := newServer(t, clients)
	empty.Store(full.Load())
	if err := server.VerifyClient(chain, time.Now()); err != nil {
		t.Error(err)
	}
}

// CheckClient has the last word in the handshake and later, and the log finds the check's reason.
func TestCheckClient(t *testing.T) {
	clients := pki.NewCA(t, "clients")
	server, source, servers := newServer(t, clients)
	m := *source.Load()
	m.CheckClient = func([]*x509.Certificate, time.Time) error { return errors.New("it is not invited") }
	source.Store(&m)
	pair := clients.Issue(t, pki.Request{})
	if err := server.VerifyClient(leafOf(t, pair), time.Now()); err == nil || err.Error() != "it is not invited" {
		t.Errorf("an open connection: %v", err)
	}
	a, b := net.Pipe()
	go func() {
		c := tls.Client(b, &tls.Config{ServerName: "localhost", RootCAs: servers.Pool(), NextProtos: []string{"h2"}, Certificates: []tls.Certificate{pair.TLS(t)}})
		_, _ = c.Read(make([]byte, 1)) // the handshake, and the alert
		_ = b.Close()
	}()
	err := tls.Server(a, server.Config("h2")).Handshake()
	_ = a.Close()
	if err == nil {
		t.Fatal("the client is let in")
	}
	if r, _ := tlsserver.RefusalOf(err.Error()); r != tlsserver.WrongIdentity || tlsserver.IdentityProblem(err.Error()) != "it is not invited" {
		t.Errorf("%s: %v", r, err)
	}
}

func TestMaterial(t *testing.T) {
	ca := pki.NewCA(t, "servers")
	pair := ca.Issue(t, pki.Request{NotBefore: -2 * time.Minute, NotAfter: 90 * time.Minute}).TLS(t)
	pair.Certificate = append(pair.Certificate, ca.Pool().Subjects()...) //nolint:staticcheck // no certificate, but bytes
	if _, err := tlsserver.NewMaterial(pair); err == nil {
		t.Error("a chain with a broken certificate")
	}
	if _, err := tlsserver.NewMaterial(tls.Certificate{}); err == nil {
		t.Error("an empty chain")
	}
	pair.Certificate = append(pair.Certificate[:1], ca.Issue(t, pki.Request{NotBefore: -time.Minute, NotAfter: 3 * time.Hour}).TLS(t).Certificate[0])
	m, err := tlsserver.NewMaterial(pair)
	if err != nil {
		t.Fatal(err)
	}
	if since, left := time.Since(m.NotBefore).Round(time.Minute), time.Until(m.NotAfter).Round(time.Minute); since != time.Minute || left != 90*time.Minute {
		t.Errorf("valid since %s, for %s", since, left)
	}
}

// A client that reads nothing does not keep the next client's connection open.
func TestCloseUntrustedDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clients := pki.NewCA(t, "clients")
		server, source, servers := newServer(t, clients)
		connect(t, server, &tls.Config{
			ServerName: "localhost", RootCAs: servers.Pool(), NextProtos: []string{"h2"},
			Certificates: []tls.Certificate{clients.Issue(t, pki.Request{}).TLS(t)},
		})
		source.trust(pki.NewCA(t, "others"))
		before := time.Now()
		if closed := server.CloseUntrusted(); len(closed) != 1 || time.Since(before) != 0 {
			t.Errorf("%d connections are closed after %s", len(closed), time.Since(before))
		}
	})
}

// The reason of a refusal distinguishes a client of a removed authority from a client never
// trusted: in a handshake, and on an open connection.
func TestRevokedClients(t *testing.T) {
	clients, strangers := pki.NewCA(t, "clients"), pki.NewCA(t, "strangers")
	server, source, servers := newServer(t, clients)
	reason := func(err error) tlsserver.Refusal {
		t.Helper()
		if err == nil {
			t.Fatal("a client is let in")
		}
		r, _ := tlsserver.RefusalOf(err.Error())
		return r
	}
	shake := func(ca *pki.CA) (r tlsserver.Refusal) {
		a, b := net.Pipe()
		go func() {
			pair := ca.Issue(t, pki.Request{}).TLS(t)
			c := tls.Client(b, &tls.Config{
				ServerName: "localhost", RootCAs: servers.Pool(), NextProtos: []string{"h2"},
				GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
			})
			_, _ = c.Read(make([]byte, 1)) // the handshake, and the alert
			_ = b.Close()
		}()
		defer a.Close()
		_, _, err := server.GRPC("xds", func(_ net.Addr, err error) { r = reason(err) }).ServerHandshake(a)
		if err == nil {
			t.Error("a client is let in")
		}
		return r
	}
	request := func(ca *pki.CA) (r tlsserver.Refusal) {
		one := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		one.TLS = &tls.ConnectionState{PeerCertificates: leafOf(t, ca.Issue(t, pki.Request{}))}
		server.Handler("admin", http.NotFoundHandler(), func(_ http.ResponseWriter, _ *http.Request, err error) { r = reason(err) }).
			ServeHTTP(httptest.NewRecorder(), one)
		return r
	}
	for i := range 6 { // the last few changes are remembered
		source.trust(pki.NewCA(t, "next"))
		server.CloseUntrusted()
		for _, ask := range []func(*pki.CA) tlsserver.Refusal{shake, request} {
			want := tlsserver.Revoked
			if i >= 4 {
				want = tlsserver.UnknownAuthority
			}
			if r := ask(clients); r != want {
				t.Errorf("change %d: a client of the removed authority: %s, want %s", i, r, want)
			}
			if r := ask(strangers); r != tlsserver.UnknownAuthority {
				t.Errorf("change %d: a stranger: %s", i, r)
			}
		}
	}
}
