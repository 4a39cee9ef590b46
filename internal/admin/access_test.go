package admin

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/token"
)

const (
	readToken    = "CANARY-read-0123456789"
	operateToken = "CANARY-operate-0123456789"
)

// guarded returns a handler that wants a token, the lines of its audit log, and the clients with
// unknown tokens.
func guarded(t *testing.T, s State) (h http.Handler, lines *observer.ObservedLogs, refused *[]string) {
	t.Helper()
	set, err := token.Parse("tokens", []byte("read ci "+readToken+"\noperate deploy "+operateToken))
	if err != nil {
		t.Fatal(err)
	}
	core, lines := observer.New(zapcore.InfoLevel)
	refused = &[]string{}
	return Handler(s, Options{
		Tokens: set, Audit: zap.New(core), Refused: func(from string) { *refused = append(*refused, from) },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the metrics")) }),
	}), lines, refused
}

func withToken(text string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	if text != "" {
		h.Set("Authorization", text)
	}
	return h
}

// Only the health checks and the page answer without a token.
func TestEachEndpointWantsAToken(t *testing.T) {
	open := map[string]bool{"/healthz": true, "/readyz": true, "/": true}
	paths := []string{"/healthz", "/readyz", "/", "/metrics", "/nothing", "/api/v2"}
	for _, e := range endpoints() {
		paths = append(paths, strings.Replace(e.Path, "{name}", "auth", 1))
	}
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			for _, authorization := range []string{"", "Bearer", "Bearer ", "Bearer x" + readToken, "Basic " + readToken, readToken} {
				state := someState()
				h, lines, _ := guarded(t, state)
				got := request(t, h, method, path, withToken(authorization))
				if open[path] && (method == "GET" || method == "HEAD") {
					if got.Code != http.StatusOK {
						t.Errorf("%s %s: %d", method, path, got.Code)
					}
				} else if got.Code != http.StatusUnauthorized && got.Code != http.StatusMethodNotAllowed {
					t.Errorf("%s %s with %q: %d %s", method, path, authorization, got.Code, got.Body)
				}
				if len(state.rolledBack)+len(state.decided)+len(state.forgotten) > 0 || lines.Len() > 0 {
					t.Errorf("%s %s with %q changes something", method, path, authorization)
				}
				if strings.Contains(got.Body.String(), "CANARY") {
					t.Errorf("the answer has the token: %s", got.Body)
				}
			}
		}
	}
}

// A token with the role read sees everything, and each change is refused and audited.
func TestRoles(t *testing.T) {
	for _, e := range endpoints() {
		if e.Path == apiRoot+"events" {
			continue // it does not end
		}
		path := strings.Replace(e.Path, "{name}", "auth", 1)
		changes := e.Method != http.MethodGet && e.Path != syncPath
		h, lines, _ := guarded(t, someState())
		got := request(t, h, e.Method, path, withToken("bearer "+readToken))
		if want := http.StatusForbidden; changes && (got.Code != want || !strings.Contains(got.Body.String(), `the token \"ci\" may only read`)) {
			t.Errorf("%s %s: %d %s", e.Method, path, got.Code, got.Body)
		}
		if !changes && got.Code == http.StatusForbidden {
			t.Errorf("%s %s: %s", e.Method, path, got.Body)
		}
		if n := lines.Len(); changes != (n == 1) {
			t.Errorf("%s %s: %d lines in the audit log", e.Method, path, n)
		}
		if got := request(t, h, e.Method, path, withToken("Bearer "+operateToken)); got.Code == http.StatusForbidden || got.Code == http.StatusUnauthorized {
			t.Errorf("%s %s with operate: %s", e.Method, path, got.Body)
		}
	}
}

func TestUnknownTokensAreReported(t *testing.T) {
	h, _, refused := guarded(t, someState())
	request(t, h, "GET", "/api/v1", nil)
	if len(*refused) != 0 {
		t.Errorf("a client without a token is reported: %q", *refused)
	}
	got := request(t, h, "GET", "/api/v1", withToken("Bearer unknown0"))
	if len(*refused) != 1 || got.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("%q, %v", *refused, got.Header())
	}
}

// swapped is tokens for a test to replace.
type swapped struct{ now atomic.Pointer[token.Set] }

func (s *swapped) Find(text string) (token.Client, bool) { return s.now.Load().Find(text) }

// An event stream ends after its token is removed.
func TestEventsEndWithTheirToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := &swapped{}
		set := func(text string) {
			set, err := token.Parse("tokens", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			tokens.now.Store(set)
		}
		set("read ci " + readToken)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			request(t, Handler(someState(), Options{Tokens: tokens}), "GET", apiRoot+"events", withToken("Bearer "+readToken))
		}()
		time.Sleep(2 * keepAlive)
		select {
		case <-ended:
			t.Fatal("the stream has ended while its token is good")
		default:
		}
		set("operate deploy " + operateToken)
		<-ended
	})
}

// Each change is a line: the client, its address, the action, the filter and revision, and the
// outcome.
func TestAudit(t *testing.T) {
	uri := &url.URL{Scheme: "spiffe", Host: "example.org", Path: "/deploy"}
	certificate := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{URIs: []*url.URL{uri}}}}
	for _, tt := range []struct {
		name, path, body, token string
		tls                     *tls.ConnectionState
		state                   func(*fake)
		want                    string
	}{
		{"with a token", "auth/rollback", `{"revision":"aa"}`, operateToken, nil, nil, "rollback auth 0123456789ab ok deploy token 192.0.2.1:1234"},
		{"token before certificate", "auth/promote", "", operateToken, certificate, nil, "promote auth 0123456789ab ok deploy token 192.0.2.1:1234"},
		{"with a certificate", "auth/retry", `{"revision":"aa"}`, "", certificate, nil, "retry auth 0123456789ab ok spiffe://example.org/deploy certificate 192.0.2.1:1234"},
		{"an address", "team/hello/forget", "", "", nil, nil, "forget team/hello  ok 192.0.2.1 address 192.0.2.1:1234"},
		{"refused", "auth/rollback", `{"revision":"aa"}`, "", nil, func(f *fake) { f.refuse = &api.Error{Code: api.CodeNoRevision} }, "rollback auth aa no_such_revision 192.0.2.1 address 192.0.2.1:1234"},
		{"no such filter", "auht/forget", "", "", nil, nil, "forget auht  no_such_filter 192.0.2.1 address 192.0.2.1:1234"},
		{"a bad body", "auth/rollback", `{"x":1}`, "", nil, nil, "rollback auth  bad_request 192.0.2.1 address 192.0.2.1:1234"},
		{"may only read", "auth/rollback", `{}`, readToken, nil, nil, "rollback auth  forbidden ci token 192.0.2.1:1234"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state := someState()
			if tt.state != nil {
				tt.state(state)
			}
			core, lines := observer.New(zapcore.InfoLevel)
			h := Handler(state, Options{Audit: zap.New(core)})
			r := httptest.NewRequest("POST", filtersRoot+tt.path, strings.NewReader(tt.body))
			if tt.token != "" {
				h, lines, _ = guarded(t, state)
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Host, r.TLS = "127.0.0.1", tt.tls
			h.ServeHTTP(httptest.NewRecorder(), r)
			var got []string
			for _, line := range lines.All() {
				f := line.ContextMap()
				for _, key := range []string{"action", "filter", "revision", "outcome", "who", "by", "from"} {
					got = append(got, f[key].(string))
				}
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got  %s\nwant %s", text, tt.want)
			}
		})
	}
}
