package admin

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFilterIsTheDocumentedJSON(t *testing.T) {
	got := request(t, Handler(someState(), Options{}), "GET", "/api/v1/filters/auth", nil)
	var have, want any
	decode(t, got.Body, &have)
	decode(t, strings.NewReader(`{"name":"auth","type":"http","revision":"0123456789ab","state":"active","condition":"live","envoys":{"live":1,"total":1,"gone":0},
		"disabled":false,"pinned":false,"error":null,"warnings":[],
		"module":{"sha256":"ff","size":7},"specFile":"/specs/auth.yaml","delivery":"remote","stable":"","candidate":"","rejected":[],
		"rollout":"","rolloutStatus":null,"canaries":[],"onRemove":"keep","subscribers":[{"node":"edge-1","cluster":"edge","identity":"","address":"127.0.0.1:5","stream":"1",
		"envoy":"1.40.0","state":"live","revision":"0123456789ab","variant":"inline","error":null,"warnings":[],"since":"2026-01-02T03:04:05Z"}],"service":null}`), &want)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		name, method, path string
		status             int
		contains           string
	}{
		{"list", "GET", "/api/v1/filters", 200, `"name": "team/hello"`},
		{"lists are never null", "GET", "/api/v1/filters/team/hello", 200, `"subscribers": []`},
		{"a name with a slash", "GET", "/api/v1/filters/team/hello", 200, `"line": 3`},
		{"an escaped slash", "GET", "/api/v1/filters/team%2Fhello", 200, `"name": "team/hello"`},
		{"no nodes", "GET", "/api/v1/nodes", 200, `[]`},
		{"snapshot", "GET", "/api/v1/snapshot", 200, `"version": "v1"`},
		{"identity", "GET", "/api/v1/identity", 200, `"refusals": []`},
		{"source", "GET", "/api/v1/source", 200, `"errors": []`},
		{"a near name", "GET", "/api/v1/filters/auht", 404, `did you mean \"auth\"?`},
		{"no near name", "GET", "/api/v1/filters/zzzzzzzz", 404, `"code": "no_such_filter"`},
		{"no such thing", "GET", "/api/v2/filters", 404, `"code": "not_found"`},
		{"wrong method", "DELETE", "/api/v1/filters", 405, `"code": "method_not_allowed"`},
		{"history of none", "GET", "/api/v1/filters/auht/history", 404, `did you mean \"auth\"?`},
		{"wrong method on a history", "DELETE", "/api/v1/filters/auth/history", 405, `use GET`},
		{"wrong method below", "DELETE", "/api/v1/filters/auth", 405, `use GET`},
		{"health", "GET", "/healthz", 200, "ok\n"},
		{"ready", "GET", "/readyz", 200, "ready\n"},
		{"page", "GET", "/", 200, "<title>wasm-xds</title>"},
		{"metrics", "GET", "/metrics", 200, "the metrics"},
	}
	state := someState()
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("the metrics")) })
	h := Handler(state, Options{Metrics: metrics})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := request(t, h, tt.method, tt.path, nil)
			if got.Code != tt.status || !strings.Contains(got.Body.String(), tt.contains) {
				t.Errorf("%s %s: %d %s\nwant %d and %s", tt.method, tt.path, got.Code, got.Body, tt.status, tt.contains)
			}
		})
	}
}

func TestNotReady(t *testing.T) {
	if got := request(t, Handler(&fake{}, Options{}), "GET", "/readyz", nil); got.Code != http.StatusServiceUnavailable {
		t.Errorf("got %d", got.Code)
	}
}

func TestRollback(t *testing.T) {
	asJSON := http.Header{"Content-Type": {"application/json"}}
	with := func(key, value string) http.Header {
		h := asJSON.Clone()
		h.Set(key, value)
		return h
	}
	tests := []struct {
		name, path, host, body string
		header                 http.Header
		status                 int
		does                   []string
	}{
		{"to a revision", "/api/v1/filters/auth/rollback", "", `{"revision":"aaaaaaaaaaaa"}`, asJSON, 200, []string{"auth@aaaaaaaaaaaa"}},
		{"to the one before", "/api/v1/filters/team/hello/rollback", "", `{}`, asJSON, 200, []string{"team/hello@"}},
		{"without a body", "/api/v1/filters/auth/rollback", "", ``, asJSON, 200, []string{"auth@"}},
		{"from its own page", "/api/v1/filters/auth/rollback", "localhost:18002", `{}`, with("Origin", "http://localhost:18002"), 200, []string{"auth@"}},
		{"unknown filter", "/api/v1/filters/auht/rollback", "", `{}`, asJSON, 404, nil},
		{"unknown field", "/api/v1/filters/auth/rollback", "", `{"revison":"a"}`, asJSON, 400, nil},
		{"too long", "/api/v1/filters/auth/rollback", "", `{"revision":"` + strings.Repeat("a", maxBody) + `"}`, asJSON, 400, nil},
		{"a form", "/api/v1/filters/auth/rollback", "", `{}`, http.Header{"Content-Type": {"text/plain"}}, 415, nil},
		{"another origin", "/api/v1/filters/auth/rollback", "", `{}`, with("Origin", "https://evil.example"), 403, nil},
		{"another site", "/api/v1/filters/auth/rollback", "", `{}`, with("Sec-Fetch-Site", "cross-site"), 403, nil},
		{"a rebound name", "/api/v1/filters/auth/rollback", "evil.example:18002", `{}`, with("Origin", "http://evil.example:18002"), 403, nil},
		{"not a rollback", "/api/v1/filters/auth", "", `{}`, asJSON, 405, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			state := someState()
			r := httptest.NewRequest("POST", tt.path, strings.NewReader(tt.body))
			r.Header = tt.header
			r.Host = "127.0.0.1:18002"
			if tt.host != "" {
				r.Host = tt.host
			}
			got := httptest.NewRecorder()
			Handler(state, Options{}).ServeHTTP(got, r)
			if got.Code != tt.status || !cmp.Equal(state.rolledBack, tt.does) {
				t.Errorf("%d, did %q: %s", got.Code, state.rolledBack, got.Body)
			}
		})
	}
}

func TestRollbackSaysWhyNot(t *testing.T) {
	state := someState()
	state.refuse = &api.Error{Code: api.CodeNoRevision, Message: "there is no revision aa"}
	got := request(t, Handler(state, Options{}), "POST", "/api/v1/filters/auth/rollback", http.Header{"Content-Type": {"application/json"}})
	if got.Code != 404 || !strings.Contains(got.Body.String(), "there is no revision aa") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

func TestHostIsCheckedOnLoopback(t *testing.T) {
	url := serve(t, someState())
	tests := []struct {
		host, path string
		status     int
	}{
		{"", "/api/v1/filters", 200},
		{"localhost", "/api/v1/filters", 200},
		{"[::1]:18002", "/api/v1/filters", 200},
		{"evil.example", "/api/v1/filters", 403},
		{"localhost.evil.example", "/", 403},
		{"probe.example", "/healthz", 200},
	}
	for _, tt := range tests {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		got, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		if got.StatusCode != tt.status {
			t.Errorf("Host %q, %s: %d, want %d", tt.host, tt.path, got.StatusCode, tt.status)
		}
	}
}

// The names of the certificate are the server's own, too.
func TestOwnNames(t *testing.T) {
	h := Handler(someState(), Options{OwnName: func(host string) bool { return host == "control.example" }})
	for host, status := range map[string]int{"control.example": 200, "CONTROL.example.:18002": 200, "other.example": 403, "127.0.0.1:1": 200} {
		r := httptest.NewRequest("POST", "/api/v1/filters/auth/rollback", strings.NewReader("{}"))
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%s: %d, want %d", host, w.Code, status)
		}
	}
}

// serve serves the state on a real connection until the test ends.
func serve(t *testing.T, state State) (url string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ln, &http.Server{Handler: Handler(state, Options{})}) }()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + ln.Addr().String()
}

func request(t *testing.T, h http.Handler, method, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Host = "127.0.0.1:18002"
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func decode(t *testing.T, r io.Reader, into any) {
	t.Helper()
	if err := json.NewDecoder(r).Decode(into); err != nil {
		t.Fatal(err)
	}
}
