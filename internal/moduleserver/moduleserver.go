// Package moduleserver serves modules to Envoys over HTTP, and reports when an Envoy has received a
// module.
package moduleserver

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// Opener opens modules by their sha256. For a missing module the error is [fs.ErrNotExist]. The
// handler closes the file.
type Opener interface {
	Open(sha256 string) (*os.File, error)
}

// Access decides which module a request gets. It must be safe for concurrent use.
type Access interface {
	// Client names the client of a request for the events of its GET. "": clients are not
	// identified.
	Client(r *http.Request) string
	// Refuses returns the reason not to answer with a module, or "" to answer.
	Refuses(r *http.Request, sha256 string) string
}

// Served is the [Access] of a server that does not identify its clients: all clients get the
// modules for which the function returns true.
type Served func(sha256 string) bool

// Client returns "".
func (Served) Client(*http.Request) string { return "" }

// Refuses returns a reason for each module that is not served.
func (s Served) Refuses(_ *http.Request, sha256 string) string {
	if s(sha256) {
		return ""
	}
	return "no revision names this module"
}

// Events receives the events of GETs with a token. The goroutines of the requests call the methods,
// which should not block. Exactly one FetchFinished follows each FetchStarted.
type Events interface {
	// FetchStarted says a client began a GET with this token. Tokens come from the network, so
	// implementations must expect unknown tokens.
	FetchStarted(client, token string)
	// FetchFinished says how the GET ended.
	FetchFinished(client, token string, end End)
	// Answered reports the HTTP status and the body bytes of every answer, with and without a
	// token.
	Answered(status int, bytes int64)
}

// End is the result of a GET.
type End int

// The results.
const (
	// Broken: the transfer failed, was refused, or did not contain the whole module.
	Broken End = iota
	// Sent: the last byte of the whole module is sent. On Linux the peer's kernel has also
	// acknowledged the last byte.
	Sent
	// Taken: the peer closed the connection after the last byte, as the answer's header asks. Envoy
	// closes only after it has processed the module.
	Taken
)

const (
	pathPrefix = "/modules/"
	pathSuffix = ".wasm"
	// maxToken is the longest token that the handler passes on, in bytes.
	maxToken = 128
	// A transfer may take writeBase, plus a second for every minRate bytes. So a slow link gets
	// enough time, and a peer that never reads is cut off.
	writeBase = time.Minute
	minRate   = 32 << 10
)

// Handler answers GET and HEAD for /modules/<sha256>.wasm[?t=<token>]. The answer is the module
// unless access refuses it. Each refusal is a 404, whether there is such a module or not.
//
// The handler needs a server from [NewServer] to see when bytes have arrived.
func Handler(store Opener, access Access, events Events, logger *zap.Logger) http.Handler {
	return &handler{store: store, access: access, events: events, logger: logger}
}

// Untrusted answers a client that has connected with a certificate that is not trusted any more.
func Untrusted(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "the certificate of this client is not trusted any more", http.StatusUnauthorized)
}

type handler struct {
	store  Opener
	access Access
	events Events
	logger *zap.Logger
}

// ServeHTTP dispatches without a ServeMux, which would answer odd paths with redirects.
func (h *handler) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	w := &transfer{ResponseWriter: answer}
	defer func() { h.events.Answered(w.status, w.sent) }()
	w.Header().Set("X-Content-Type-Options", "nosniff")
	control := http.NewResponseController(w)
	extend(control, 0)
	if r.ContentLength != 0 {
		refuseBody(w, control)
		return
	}
	sum, ok := moduleOf(r)
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	token, ok := tokenOf(r)
	if !ok {
		h.serve(w, r, sum)
		return
	}
	end, client := Broken, h.access.Client(r)
	h.events.FetchStarted(client, token)
	// The deferred call reports the end of the transfer after a panic, too.
	defer func() { h.events.FetchFinished(client, token, end) }()
	// Envoy closes the connection once the module is in its cache. No other event shows that
	// moment.
	w.Header().Set("Connection", "close")
	if size, ok := h.serve(w, r, sum); ok {
		end = h.delivered(r, control, sum, size)
	}
}

// serve answers with the module and reports whether all bytes are written.
func (h *handler) serve(w *transfer, r *http.Request, sum string) (size int64, ok bool) {
	if reason := h.access.Refuses(r, sum); reason != "" {
		http.Error(w, reason, http.StatusNotFound)
		return 0, false
	}
	f, size, err := h.open(sum)
	if errors.Is(err, fs.ErrNotExist) {
		h.logger.Error("a module that is served is not in the store", zap.String("sha256", sum))
		http.Error(w, "module not found", http.StatusNotFound)
		return 0, false
	}
	if err != nil {
		h.logger.Error("cannot read a module that is served", zap.String("sha256", sum), zap.Error(err))
		http.Error(w, "module cannot be read", http.StatusInternalServerError)
		return 0, false
	}
	defer f.Close()

	header := w.Header()
	header.Set("Content-Type", "application/wasm")
	header.Set("Etag", `"`+sum+`"`)
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	extend(http.NewResponseController(w), size)
	http.ServeContent(w, r, "", time.Time{}, f)
	return size, w.sentAll(size)
}

func (h *handler) open(sum string) (*os.File, int64, error) {
	f, err := h.store.Open(sum)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// delivered waits until the peer has received all written bytes. The peer itself does not wait: the
// peer knows the length and sees the last byte.
func (h *handler) delivered(r *http.Request, control *http.ResponseController, sum string, size int64) End {
	if err := control.Flush(); err != nil {
		return Broken
	}
	conn, ok := r.Context().Value(connKey{}).(net.Conn)
	if !ok {
		return Sent
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience(size))
	defer cancel()
	closed, err := awaitTaken(ctx, conn, closeWait+time.Duration(size)*closePerByte)
	switch {
	case err != nil:
		h.logger.Debug("a module was sent, but not received",
			zap.String("sha256", sum), zap.String("peer", r.RemoteAddr), zap.Error(err))
		return Broken
	case closed:
		return Taken
	default:
		return Sent
	}
}

// moduleOf returns the sha256 in the request's path. Exactly one spelling of the path is valid.
func moduleOf(r *http.Request) (string, bool) {
	sum, found := strings.CutPrefix(r.URL.EscapedPath(), pathPrefix)
	if !found {
		return "", false
	}
	sum, found = strings.CutSuffix(sum, pathSuffix)
	if !found || !snapshot.IsSHA256(sum) {
		return "", false
	}
	return sum, true
}

// tokenOf returns the token of a GET, or false without a token of a plausible form.
func tokenOf(r *http.Request) (string, bool) {
	token := r.URL.Query().Get("t")
	return token, r.Method == http.MethodGet && token != "" && len(token) <= maxToken
}

// refuseBody answers a request with a body. No valid request has a body, and a slow body would
// occupy the connection.
func refuseBody(w http.ResponseWriter, control *http.ResponseController) {
	// Without deadlines (a recorder in a test) there is no connection to hold.
	_ = control.SetReadDeadline(time.Now().Add(time.Second))
	w.Header().Set("Connection", "close")
	http.Error(w, "a request to this server has no body", http.StatusBadRequest)
}

// extend gives the answer time for size bytes. Each request sets its own deadline, so a request on
// a kept connection does not inherit the previous deadline.
func extend(control *http.ResponseController, size int64) {
	// Without deadlines (a recorder in a test) no peer can stall.
	_ = control.SetWriteDeadline(time.Now().Add(patience(size)))
}

// patience returns how long a transfer of size bytes may take.
func patience(size int64) time.Duration {
	return writeBase + time.Duration(size/minRate)*time.Second
}

// connKey is the context key of the request's net.Conn.
type connKey struct{}

// NewServer makes the server for the handler. Its timeouts end connections without a request. They
// do not limit transfers, which the handler bounds.
func NewServer(handler http.Handler, logger *zap.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		// No ReadTimeout: the timeout would expire in the middle of a long answer.
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
	if log, err := zap.NewStdLogAt(logger, zap.DebugLevel); err == nil {
		server.ErrorLog = log
	}
	return server
}
