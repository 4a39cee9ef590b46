// Package filtertests runs the tests of the example filters through real Envoys. The results must
// equal the sandbox's.
package filtertests

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/internal/preflight/runner"
	"github.com/wasm-xds/wasm-xds/internal/preflight/sandbox"
	"github.com/wasm-xds/wasm-xds/internal/test/harness"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// shown returns the specs in docs/testing-filters.md.
func shown(t *testing.T) []*spec.Spec {
	t.Helper()
	page, err := os.ReadFile(filepath.FromSlash("../../docs/testing-filters.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []*spec.Spec
	for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(page, -1) {
		specs, errs, _ := spec.Decode(filepath.FromSlash("../../examples/envoy/filters/docs.yaml"), block[1])
		if len(errs) > 0 {
			t.Fatalf("%v", errs)
		}
		all = append(all, specs...)
	}
	return all
}

// TestSameAsEnvoy expects the oldest and the newest Envoy to pass each test that the sandbox
// passes.
func TestSameAsEnvoy(t *testing.T) {
	for _, version := range []string{"1.36.4", harness.DefaultVersion} {
		t.Run(version, func(t *testing.T) {
			ran := 0
			for i, s := range shown(t) {
				module, err := os.ReadFile(s.Module.File.Path)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range runner.Run(t.Context(), sandbox.RequestFor(s, module, s.Config), s.Tests) {
					if !r.OK {
						t.Errorf("%s, in the sandbox: %v", r.Name, r.Failures)
					}
				}
				if s.Type == spec.Service {
					continue // a service has no request: TestServiceExample in test/e2e runs it in Envoys
				}
				t.Run(fmt.Sprintf("%d %s", i, s.Name), func(t *testing.T) {
					if s.Type == spec.Network {
						ran += runNetwork(t, version, s)
					} else {
						ran += runHTTP(t, version, s)
					}
				})
			}
			if ran < 6 {
				t.Errorf("only %d steps were sent", ran)
			}
		})
	}
}

// runHTTP sends and compares each step of each test, and returns the number of steps.
func runHTTP(t *testing.T, version string, s *spec.Spec) (steps int) {
	u := &upstream{}
	server := httptest.NewServer(u)
	defer server.Close()
	auth := &service{}
	authServer := httptest.NewServer(auth)
	defer authServer.Close()
	port := harness.FreePort(t)
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{
		Version: version, Bootstrap: bootstrap(s, port, server.Listener.Addr(), httpChain) + cluster("auth", authServer.Listener.Addr()),
	})
	envoy.WaitReady()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for _, test := range s.Tests {
		for _, step := range test.Steps {
			steps++
			u.next(step.HTTP.Upstream)
			auth.next(step.Calls["auth"])
			client := send(t, transport, port, step.HTTP.Request)
			if diff := auth.differ(step.Expect.Calls); diff != "" {
				t.Errorf("%s, in Envoy %s: the calls: %s", test.Name, version, diff)
			}
			if failures := runner.CompareHTTP(step, u.taken(), client); len(failures) > 0 {
				t.Errorf("%s, in Envoy %s: %v", test.Name, version, failures)
			}
		}
	}
	return steps
}

// upstream answers as the test demands and keeps the received request.
type upstream struct {
	answer spec.TestMessage
	got    chan host.Outcome
}

func (u *upstream) next(answer spec.TestMessage) {
	u.answer, u.got = answer, make(chan host.Outcome, 1)
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	headers := []host.Header{{Name: ":method", Value: r.Method}, {Name: ":path", Value: r.RequestURI}, {Name: ":authority", Value: r.Host}}
	u.got <- host.Outcome{Reached: true, Complete: err == nil, Message: host.Message{
		Headers: append(headers, list(r.Header)...), Body: [][]byte{body}, Trailers: list(r.Trailer),
	}}
	for _, h := range u.answer.Headers {
		w.Header()[http.CanonicalHeaderKey(h.Name)] = h.Values
	}
	w.WriteHeader(u.answer.Status)
	if u.answer.Trailers != nil {
		_ = http.NewResponseController(w).Flush() // a body of known length has no trailers
	}
	for _, chunk := range u.answer.Body {
		_, _ = io.WriteString(w, chunk) // the client may be gone
	}
	for _, h := range u.answer.Trailers {
		w.Header()[http.TrailerPrefix+http.CanonicalHeaderKey(h.Name)] = h.Values
	}
}

// taken returns the request received before the client got the answer.
func (u *upstream) taken() host.Outcome {
	select {
	case o := <-u.got:
		return o
	default:
		return host.Outcome{}
	}
}

func list(h http.Header) []host.Header {
	var all []host.Header
	for name, values := range h {
		for _, value := range values {
			all = append(all, host.Header{Name: strings.ToLower(name), Value: value})
		}
	}
	return all
}

func send(t *testing.T, transport *http.Transport, port int, m spec.TestMessage) host.Outcome {
	t.Helper()
	var body io.Reader
	if m.Body != nil {
		body = strings.NewReader(strings.Join(m.Body, ""))
	}
	r, err := http.NewRequestWithContext(t.Context(), m.Method, fmt.Sprintf("http://127.0.0.1:%d%s", port, m.Path), body)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "test.example"
	for _, h := range m.Headers {
		r.Header[http.CanonicalHeaderKey(h.Name)] = h.Values
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	status := host.Header{Name: ":status", Value: fmt.Sprint(answer.StatusCode)}
	return host.Outcome{Reached: true, Complete: err == nil, Message: host.Message{
		Headers: append([]host.Header{status}, list(answer.Header)...), Body: [][]byte{content}, Trailers: list(answer.Trailer),
	}}
}

// runNetwork makes each connection of each test and compares the bytes.
func runNetwork(t *testing.T, version string, s *spec.Spec) (steps int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := harness.FreePort(t)
	envoy := harness.StartEnvoy(t, harness.EnvoyOptions{
		Version: version, Bootstrap: bootstrap(s, port, listener.Addr(), tcpChain),
	})
	envoy.WaitReady()
	for _, test := range s.Tests {
		for _, step := range test.Steps {
			steps++
			up, down := connect(t, listener, port, step.Connection)
			if want := step.Expect.ToUpstream; want != nil && *want != up {
				t.Errorf("%s, in Envoy %s: %q reached the upstream, not %q", test.Name, version, up, *want)
			}
			if want := step.Expect.ToDownstream; want != nil && *want != down {
				t.Errorf("%s, in Envoy %s: %q reached the client, not %q", test.Name, version, down, *want)
			}
			// The filter logs at the end of the connection.
			envoy.WaitLog(fmt.Sprintf("received=%d sent=%d", len(up), len(down)))
		}
	}
	return steps
}

// connect passes bytes through Envoy, first the client's, then the upstream's.
func connect(t *testing.T, listener net.Listener, port int, c *spec.TestConnection) (toUpstream, toDownstream string) {
	t.Helper()
	received := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			received <- err.Error()
			return
		}
		defer conn.Close()
		got := make([]byte, len(strings.Join(c.Downstream, "")))
		_, err = io.ReadFull(conn, got)
		_, _ = io.WriteString(conn, strings.Join(c.Upstream, "")) // the client notices missing bytes
		if err != nil {
			got = []byte(err.Error())
		}
		received <- string(got)
	}()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, chunk := range c.Downstream {
		if _, err := io.WriteString(conn, chunk); err != nil {
			t.Fatal(err)
		}
	}
	var got bytes.Buffer
	if _, err := io.Copy(&got, conn); err != nil {
		t.Fatal(err)
	}
	return <-received, got.String()
}
