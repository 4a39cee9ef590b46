package filtertests

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// cluster is a cluster with one endpoint, to stand behind a bootstrap.
func cluster(name string, address net.Addr) string {
	return fmt.Sprintf(`
  - name: %s
    type: STATIC
    load_assignment:
      cluster_name: %[1]s
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]
`, name, address.(*net.TCPAddr).Port)
}

// service answers the HTTP calls of a filter as a test says, and keeps them.
type service struct {
	mu      sync.Mutex
	answers []spec.TestAnswer // those to come; the last one is for all that follow
	got     []seenCall
}

// seenCall is as much of a call as a comparison is about.
type seenCall struct{ Method, Path, Body string }

func (s *service) next(answers []spec.TestAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers, s.got = answers, nil
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // an incomplete body differs from the expected one
	s.mu.Lock()
	s.got = append(s.got, seenCall{r.Method, r.RequestURI, string(body)})
	answer := spec.TestAnswer{Fail: true}
	if len(s.answers) > 0 {
		answer = s.answers[0]
	}
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	s.mu.Unlock()
	if answer.Fail {
		panic(http.ErrAbortHandler) // the connection ends without an answer
	}
	for _, h := range answer.Headers {
		w.Header()[http.CanonicalHeaderKey(h.Name)] = h.Values
	}
	w.WriteHeader(max(answer.Status, http.StatusOK))
	_, _ = io.WriteString(w, strings.Join(answer.Body, "")) // a filter that has gone is no matter here
}

// differ compares the calls with the expected ones; with nil, nothing is expected of them.
func (s *service) differ(expected []spec.TestCall) string {
	if expected == nil {
		return ""
	}
	want := []seenCall{}
	for _, call := range expected {
		want = append(want, seenCall{call.Method, call.Path, strings.Join(call.Body, "")})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Diff(want, append([]seenCall{}, s.got...))
}
