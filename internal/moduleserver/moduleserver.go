// Package moduleserver serves modules to Envoys over HTTP, and tells when an
// Envoy has the bytes of one.
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

// Opener opens modules by their sha256. The error for one that is not there is
// [fs.ErrNotExist]. The file is closed after use.
type Opener interface {
	Open(sha256 string) (*os.File, error)
}

// Events is told about every GET that carries a token. Its methods are called
// from the requests' goroutines and should not block. Each FetchStarted has
// exactly one FetchFinished after it.
type Events interface {
	// FetchStarted says that an Envoy began to GET with this token. Tokens come
	// from the network: an unknown one is nothing unusual.
	FetchStarted(token string)
	// FetchFinished says how the GET ended.
	FetchFinished(token string, end End)
	// Answered counts every answer, whatever it was: its HTTP status and the bytes of its body.
	Answered(status int, bytes int64)
}

// End is how a GET ended.
type End int

// The ends.
const (
	// Broken: the transfer broke, or was refused, or was not of the whole module.
	Broken End = iota
	// Sent: the last byte of the whole module is sent and, where the platform can tell,
	// acknowledged by the peer's kernel.
	Sent
	// Taken: the peer has closed the connection after the last byte, as it was asked to.
	// Envoy does that when it has done with the module what it fetched it for.
	Taken
)

const (
	pathPrefix = "/modules/"
	pathSuffix = ".wasm"
	// maxToken bounds what is handed on from a hostile query.
	maxToken = 128
	// A transfer may take writeBase, and a second for every minRate bytes more:
	// patience for a slow link, none for a peer that never reads.
	writeBase = time.Minute
	minRate   = 32 << 10
)

// Handler answers GET and HEAD for /modules/<sha256>.wasm[?t=<token>] with the
// modules that served names, and everything else with an error. served is
// called from several goroutines at a time.
//
// It depends on a server made by [NewServer] to see when bytes have arrived.
func Handler(store Opener, served func(sha256 string) bool, events Events, logger *zap.Logger) http.Handler {
	return &handler{store: store, served: served, events: events, logger: logger}
}

type handler struct {
	store  Opener
	served func(sha256 string) bool
	events Events
	logger *zap.Logger
}

// ServeHTTP is plain dispatch: a ServeMux would answer odd paths with redirects.
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
	end := Broken
	h.events.FetchStarted(token)
	// Deferred: a panic in between ends the transfer, too.
	defer func() { h.events.FetchFinished(token, end) }()
	// Envoy closes when the module is in its cache: nothing else tells when that is.
	w.Header().Set("Connection", "close")
	if size, ok := h.serve(w, r, sum); ok {
		end = h.delivered(r, control, sum, size)
	}
}

// serve answers with the module and says whether all of it is written.
func (h *handler) serve(w *transfer, r *http.Request, sum string) (size int64, ok bool) {
	if !h.served(sum) {
		http.Error(w, "no revision names this module", http.StatusNotFound)
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

// delivered waits until the peer has everything that was written. The peer does not
// wait for this: it knows the length and has the last byte.
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

// moduleOf is the sha256 in the request's path, which has one spelling only.
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

// tokenOf is the token of a GET, if it has one that could be ours.
func tokenOf(r *http.Request) (string, bool) {
	token := r.URL.Query().Get("t")
	return token, r.Method == http.MethodGet && token != "" && len(token) <= maxToken
}

// refuseBody answers a request that brings a body: none here needs one, and a
// body that trickles in would hold the connection.
func refuseBody(w http.ResponseWriter, control *http.ResponseController) {
	// Without deadlines (a recorder in a test) there is no connection to hold.
	_ = control.SetReadDeadline(time.Now().Add(time.Second))
	w.Header().Set("Connection", "close")
	http.Error(w, "a request to this server has no body", http.StatusBadRequest)
}

// extend gives the answer time for size bytes. Each request sets the deadline
// anew, so that one on a kept connection does not inherit the last one's.
func extend(control *http.ResponseController, size int64) {
	// Without deadlines (a recorder in a test) there is no peer that stalls.
	_ = control.SetWriteDeadline(time.Now().Add(patience(size)))
}

// patience is how long size bytes may take.
func patience(size int64) time.Duration {
	return writeBase + time.Duration(size/minRate)*time.Second
}

// connKey finds the request's net.Conn in its context.
type connKey struct{}

// NewServer makes the server that the handler needs. Its timeouts end
// connections that send no request, and leave a slow transfer its time, which
// the handler bounds.
func NewServer(handler http.Handler, logger *zap.Logger) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		// No ReadTimeout: it would run out in the middle of a long answer.
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
