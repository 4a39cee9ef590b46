package apiclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/reason"
)

// The codes of errors on the way to the server.
const (
	CodeNoServer   = "no_server"   // nothing answers at the address
	CodeBadAnswer  = "bad_answer"  // something else than a wasm-xds answers
	CodeServerGone = "server_gone" // the connection for events has ended
)

const (
	answerTimeout = 10 * time.Second
	// maxAnswer and maxProblem bound the memory for an answer of the server.
	maxAnswer  = 256 << 20
	maxProblem = 1 << 20
)

// server is the API at an address.
type server struct {
	name   string // the address as the user wrote it
	target target
	tls    *tls.Config
	token  string
}

// get decodes the answer into a value.
func (s server) get(ctx context.Context, path string, into any) error {
	return s.exchange(ctx, answerTimeout, http.MethodGet, path, nil, into)
}

// post sends body as JSON.
func (s server) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return s.exchange(ctx, answerTimeout, http.MethodPost, path, bytes.NewReader(text), into)
}

// exchange has limit for the whole answer. body may be nil.
func (s server) exchange(ctx context.Context, limit time.Duration, method, path string, body io.Reader, into any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := s.ask(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return &api.Error{
			Code: CodeBadAnswer, Message: "the server at " + s.name + " answered something else than JSON: " + err.Error(),
			Hint: "is it a wasm-xds, and of this version?",
		}
	}
	return nil
}

// ask returns a response with status 200, or an error.
func (s server) ask(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.target.scheme+"://"+s.target.host+"/api/v1/"+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	// No proxy: the server is on this machine, or at the address that the user gave.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: s.tls.Clone()}
	if s.target.socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", s.target.socket)
		}
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return nil, &api.Error{
			Code: CodeNoServer, Message: fmt.Sprintf("no wasm-xds answers at %s: %s", s.name, reason.Of(err)),
			Hint: s.whereItMayBe(err),
		}
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	var problem struct {
		Error *api.Error `json:"error"`
	}
	err = json.NewDecoder(io.LimitReader(answer.Body, maxProblem)).Decode(&problem)
	if err != nil || problem.Error == nil {
		return nil, &api.Error{
			Code: CodeBadAnswer, Message: "the server at " + s.name + " answered " + answer.Status, Hint: s.whatItMayBe(answer),
		}
	}
	return nil, problem.Error
}

// whereItMayBe is a hint for a server that does not answer.
func (s server) whereItMayBe(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "this user may not write to the socket: use the server's user, or a member of the group of `serve --socket-group`"
	}
	if e := (*tls.CertificateVerificationError)(nil); errors.As(err, &e) {
		return "name the authority that signed the server's certificate with --admin-ca-file, and the server as its certificate does"
	}
	if e := tls.AlertError(0); errors.As(err, &e) || strings.Contains(err.Error(), "remote error: tls: ") {
		return "the server wants a certificate that it trusts: give one with --admin-cert-file and --admin-key-file"
	}
	if e := (tls.RecordHeaderError{}); errors.As(err, &e) || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return "the server there does not speak TLS: write the address without https://"
	}
	if s.target.isLocal() {
		return "start one with `wasm-xds serve`, or name its address with --admin-address"
	}
	return "it answers on its own machine only, unless it was started with an --admin-address that is reached from here: run this command there"
}

// whatItMayBe is a hint for an answer that is none of a wasm-xds. A server of Go that speaks TLS
// answers a plain request with 400.
func (s server) whatItMayBe(answer *http.Response) string {
	if s.target.scheme == "http" && s.target.socket == "" && answer.StatusCode == http.StatusBadRequest {
		return "if the server speaks TLS, write https:// in front of the address"
	}
	return "is it a wasm-xds?"
}
