package moduleserver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/moduleserver"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	served   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	unserved = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	missing  = "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	broken   = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
)

// store is a directory with the same files as the module store.
type store string

func (s store) Open(sum string) (*os.File, error) {
	if sum == broken {
		return nil, errors.New("input/output error at /secret/path")
	}
	return os.Open(filepath.Join(string(s), sum+".wasm"))
}

// access answers with the modules for which it returns true. The header Client names the client.
type access func(client, sum string) bool

func (a access) Client(r *http.Request) string { return r.Header.Get("Client") }

func (a access) Refuses(r *http.Request, sum string) string {
	if a(a.Client(r), sum) {
		return ""
	}
	return "not for you"
}

// events receives the handler's events as text, for example "started token".
type events chan string

func (e events) FetchStarted(client, token string) { e <- "started " + client + token }

func (events) Answered(int, int64) {}

func (e events) FetchFinished(client, token string, end moduleserver.End) {
	e <- fmt.Sprintf("finished %s%s %s", client, token, [...]string{"broken", "sent", "taken"}[end])
}

// next waits for the next event and compares the text.
func (e events) next(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-e:
		if got != want {
			t.Errorf("event %q, want %q", got, want)
		}
	case <-t.Context().Done():
		t.Errorf("no event, want %q", want)
	}
}

// none checks that no event is left. Drain the server before the call.
func (e events) none(t *testing.T) {
	t.Helper()
	select {
	case got := <-e:
		t.Fatalf("event %q, want none", got)
	default:
	}
}

type fixture struct {
	address string // host:port
	content []byte
	events  events
	server  *http.Server
}

// start serves a module of this size on a free loopback port.
func start(t *testing.T, size int, wrap func(net.Listener) net.Listener) *fixture {
	t.Helper()
	dir := store(t.TempDir())
	content := bytes.Repeat([]byte("wasm"), (size+3)/4)[:size]
	for _, sum := range []string{served, unserved} {
		if err := os.WriteFile(filepath.Join(string(dir), sum+".wasm"), content, 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(string(dir), "secret"), []byte("SECRET"), 0o600); err != nil {
		t.Fatal(err)
	}
	events := make(events, 100)
	isServed := access(func(_, sum string) bool { return sum != unserved })
	logger := zap.NewNop()
	server := moduleserver.NewServer(moduleserver.Handler(dir, isServed, events, logger), logger)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if wrap != nil {
		listener = wrap(listener)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return &fixture{address: address, content: content, events: events, server: server}
}

// do sends a request on a new connection.
func (f *fixture) do(t *testing.T, method, path string, header http.Header) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+f.address, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Opaque prevents the client from cleaning hostile paths.
	request.URL.Opaque = path
	request.Header = header
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, content
}

// drain stops the server after all requests are answered.
func (f *fixture) drain(t *testing.T) {
	t.Helper()
	if err := f.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func path(sum string) string { return "/modules/" + sum + ".wasm" }

func TestGet(t *testing.T) {
	f := start(t, 1<<20, nil)
	response, content := f.do(t, "GET", path(served)+"?t=abc", nil)
	if response.StatusCode != 200 || !bytes.Equal(content, f.content) {
		t.Fatalf("status %d, %d bytes", response.StatusCode, len(content))
	}
	for name, want := range map[string]string{
		"Content-Type": "application/wasm", "Content-Length": "1048576", "ETag": `"` + served + `"`,
		"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	f.events.next(t, "started abc")
	f.events.next(t, "finished abc taken")
}

func TestAnswersThatAreNotTheWholeModule(t *testing.T) {
	tests := []struct {
		name, method, path string
		header             http.Header
		status, size       int
		events             bool
	}{
		{name: "HEAD", method: "HEAD", path: path(served), status: 200},
		{name: "cached", method: "GET", path: path(served), header: http.Header{"If-None-Match": {`"` + served + `"`}}, status: 304, events: true},
		{name: "range", method: "GET", path: path(served), header: http.Header{"Range": {"bytes=10-19"}}, status: 206, size: 10, events: true},
		{name: "whole range", method: "GET", path: path(served), header: http.Header{"Range": {"bytes=0-"}}, status: 206, size: 1000, events: true},
		{name: "bad range", method: "GET", path: path(served), header: http.Header{"Range": {"bytes=5000-"}}, status: 416, size: -1, events: true},
		{name: "not served", method: "GET", path: path(unserved), status: 404, size: -1, events: true},
		{name: "not there", method: "GET", path: path(missing), status: 404, size: -1, events: true},
		{name: "broken", method: "GET", path: path(broken), status: 500, size: -1, events: true},
		{name: "POST", method: "POST", path: path(served), status: 405, size: -1},
		{name: "DELETE", method: "DELETE", path: path(served), status: 405, size: -1},
		{name: "OPTIONS", method: "OPTIONS", path: path(served), status: 405, size: -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := start(t, 1000, nil)
			response, content := f.do(t, test.method, test.path+"?t=abc", test.header)
			if response.StatusCode != test.status || test.size >= 0 && len(content) != test.size {
				t.Errorf("status %d, %d bytes", response.StatusCode, len(content))
			}
			if test.status == 405 && response.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("Allow is %q", response.Header.Get("Allow"))
			}
			if bytes.Contains(content, []byte("secret")) {
				t.Errorf("says %q", content)
			}
			f.drain(t)
			if test.events {
				f.events.next(t, "started abc")
				f.events.next(t, "finished abc broken")
			}
			f.events.none(t)
		})
	}
}

func TestTokens(t *testing.T) {
	for query, want := range map[string]string{
		"": "", "?": "", "?t=": "", "?t=" + strings.Repeat("x", 129): "", "?other=1": "",
		"?t=" + strings.Repeat("x", 128): strings.Repeat("x", 128), "?t=a&t=b": "a", "?t=a%20b": "a b",
	} {
		f := start(t, 10, nil)
		if response, _ := f.do(t, "GET", path(served)+query, nil); response.StatusCode != 200 {
			t.Errorf("%q: status %d", query, response.StatusCode)
		}
		f.drain(t)
		if want != "" {
			f.events.next(t, "started "+want)
			f.events.next(t, "finished "+want+" taken")
		}
		f.events.none(t)
	}
}

func TestNothingElseIsReadable(t *testing.T) {
	f := start(t, 10, nil)
	for _, hostile := range []string{
		"/", "/modules", "/modules/", "/modules/.wasm", "/secret", "/modules/secret", "/modules/secret.wasm",
		"/modules/../secret", "/modules/../modules/" + served + ".wasm", "/modules/./" + served + ".wasm",
		"//modules/" + served + ".wasm", "/modules//" + served + ".wasm", "/modules/" + served + ".wasm/",
		"/modules/" + served, "/modules/" + served + ".WASM", "/modules/" + strings.ToUpper(served) + ".wasm",
		"/modules/%2e%2e/secret", "/modules/..%2fsecret", "/modules%2f" + served + ".wasm",
		"/modules/%61" + served[1:] + ".wasm", "/modules/" + served + ".wasm%00", "/modules/" + served[1:] + ".wasm",
		"/modules/" + served + "a.wasm", "/modules/" + served + ".wasm.wasm", "/modules/..%5csecret.wasm", "/MODULES/" + served + ".wasm",
		"/modules/" + strings.Repeat("../", 21) + "a.wasm", "/favicon.ico", "/metrics",
	} {
		response, content := f.do(t, "GET", hostile+"?t=abc", nil)
		if response.StatusCode != 404 || bytes.Contains(content, []byte("SECRET")) {
			t.Errorf("%s: status %d, %q", hostile, response.StatusCode, content)
		}
	}
	f.drain(t)
	f.events.none(t)
}

func TestRequestWithABody(t *testing.T) {
	f := start(t, 10, nil)
	conn := dial(t, f.address)
	// The body never comes, and the server answers without the body.
	fmt.Fprintf(conn, "GET %s?t=abc HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", path(served))
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")) {
		t.Errorf("got %q, %v", answer, err)
	}
	f.drain(t)
	f.events.none(t)
}

func dial(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

func TestWithoutAServer(t *testing.T) {
	// Without access to the connection, written bytes count as received.
	dir := store(t.TempDir())
	if err := os.WriteFile(filepath.Join(string(dir), served+".wasm"), []byte("wasm"), 0o444); err != nil {
		t.Fatal(err)
	}
	events := make(events, 2)
	handler := moduleserver.Handler(dir, access(func(string, string) bool { return true }), events, zap.NewNop())
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(context.Background(), "GET", path(served)+"?t=abc", nil))
	if recorder.Code != 200 || recorder.Body.String() != "wasm" {
		t.Errorf("got %d %q", recorder.Code, recorder.Body)
	}
	events.next(t, "started abc")
	events.next(t, "finished abc sent")
}

func TestPanicEndsTheFetch(t *testing.T) {
	events := make(events, 2)
	panics := access(func(string, string) bool { panic(http.ErrAbortHandler) })
	handler := moduleserver.Handler(store(""), panics, events, zap.NewNop())
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path(served)+"?t=abc", nil))
	}()
	events.next(t, "started abc")
	events.next(t, "finished abc broken")
}

var _ moduleserver.Opener = store("")

// Each method on each path of a module that is not for the client is a 404 with the same answer,
// whether there is such a module or not. The events of a GET name the client.
func TestModulesOfOthers(t *testing.T) {
	dir := store(t.TempDir())
	for _, sum := range []string{served, unserved} {
		if err := os.WriteFile(filepath.Join(string(dir), sum+".wasm"), []byte("wasm"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	events := make(events, 10)
	handler := moduleserver.Handler(dir, access(func(client, sum string) bool { return client == "a" && sum == served }), events, zap.NewNop())
	ask := func(client, method, target string, header http.Header) (int, string) {
		r := httptest.NewRequest(method, target, http.NoBody)
		for key, values := range header {
			r.Header[key] = values
		}
		r.Header.Set("Client", client)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if etag := w.Header().Get("Etag"); w.Code != http.StatusOK && etag != "" {
			t.Errorf("%s %s: the refusal has the ETag %s", method, target, etag)
		}
		return w.Code, w.Body.String()
	}
	if code, body := ask("a", "GET", path(served), nil); code != http.StatusOK || body != "wasm" {
		t.Errorf("the right client gets %d %q", code, body)
	}
	for _, method := range []string{"GET", "HEAD"} {
		for _, sum := range []string{served, unserved, missing} {
			for _, header := range []http.Header{nil, {"Range": {"bytes=0-1"}}, {"If-None-Match": {`"` + sum + `"`}}, {"If-Match": {"*"}}} {
				if code, body := ask("b", method, path(sum), header); code != http.StatusNotFound || body != "not for you\n" {
					t.Errorf("%s %s %v: another client gets %d %q", method, sum, header, code, body)
				}
			}
		}
	}
	if code, _ := ask("b", "GET", path(served)+"?t=abc", nil); code != http.StatusNotFound {
		t.Errorf("with the token of another client: %d", code)
	}
	events.next(t, "started babc")
	events.next(t, "finished babc broken")
	events.none(t)
}
