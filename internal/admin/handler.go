package admin

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	apiRoot      = "/api/v1/"
	filtersRoot  = apiRoot + "filters/"
	rollbackTail = "/rollback"
	retryTail    = "/retry"
	promoteTail  = "/promote"
	forgetTail   = "/forget"
	historyTail  = "/history"
	// maxBody bounds the body of a request; a rollback names a single revision.
	maxBody = 4 << 10
)

// server answers requests at the admin address.
type server struct {
	state State
	log   *zap.Logger
	page  *page
	// streams has a place for each client of the event stream.
	streams chan struct{}
}

// Handler serves the API, the metrics, the health checks and the web page. metrics answers
// /metrics; nil: there is no /metrics. logger may be nil: then nothing is logged.
//
// The handler has no authentication. It refuses requests that a web page of another site could
// make a browser send: a changing request needs a JSON content type and the server's own origin,
// and the host name must be one of this machine's (see [guard]).
func Handler(s State, metrics http.Handler, logger *zap.Logger) http.Handler {
	return HandlerOf("(devel)", s, metrics, logger)
}

// HandlerOf is [Handler] for a server of the given version.
func HandlerOf(version string, s State, metrics http.Handler, logger *zap.Logger) http.Handler {
	if logger == nil {
		logger = zap.NewNop()
	}
	srv := &server{state: s, log: logger, page: newPage(), streams: make(chan struct{}, maxStreams)}
	mux := http.NewServeMux()
	for _, index := range []string{"/api/v1", apiRoot + "{$}"} {
		mux.Handle(index, read(nil, func(query) any { return indexOf(version) }))
	}
	mux.Handle(apiRoot+"version", read(nil, func(query) any { return about(version) }))
	mux.Handle(openAPIPath, read(nil, func(query) any { return openAPI(version) }))
	mux.Handle(apiRoot+"filters", read(filterParameters, srv.filters))
	mux.HandleFunc(filtersRoot+"{name...}", srv.belowFilters)
	mux.Handle(apiRoot+"nodes", read(nodeParameters, srv.nodes))
	mux.Handle(apiRoot+"snapshot", read(nil, srv.snapshot))
	mux.Handle(apiRoot+"source", read(nil, srv.source))
	mux.HandleFunc(apiRoot+"sync", srv.sync)
	mux.Handle(apiRoot+"visitors", read(nil, func(query) any { return notNull(s.Visitors()) }))
	mux.Handle(apiRoot+"limits", read(nil, func(query) any { return notNull(s.Limits()) }))
	mux.HandleFunc("GET "+apiRoot+"events", srv.events)
	mux.HandleFunc("GET /{$}", srv.page.serve)
	mux.HandleFunc("/", notFound)

	outer := http.NewServeMux()
	outer.Handle("/", guard(mux))
	// A probe or a scraper may use any host name, and learns nothing secret.
	outer.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	outer.HandleFunc("GET /readyz", srv.ready)
	if metrics != nil {
		outer.Handle("GET /metrics", metrics)
	}
	return outer
}

// read answers GET and HEAD with the result of get for the request's parameters, as JSON. If
// takes is nil, read ignores parameters.
func read(takes parameters, get func(query) any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isRead(r) {
			writeMethodError(w, r, "GET")
			return
		}
		if takes == nil {
			writeJSON(w, http.StatusOK, get(nil))
			return
		}
		q, e := takes.parse(r.URL.Query())
		if e != nil {
			writeError(w, e)
			return
		}
		writeJSON(w, http.StatusOK, get(q))
	})
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

func (s *server) ready(w http.ResponseWriter, _ *http.Request) {
	if s.state.Ready() {
		writeText(w, http.StatusOK, "ready\n")
		return
	}
	writeText(w, http.StatusServiceUnavailable, "not ready: there is no snapshot to serve yet\n")
}

func (s *server) filters(q query) any {
	filters := []api.Filter{}
	for _, f := range s.state.Filters() {
		if f = complete(f); q.takesFilter(&f) {
			filters = append(filters, f)
		}
	}
	return filters
}

func (s *server) nodes(q query) any {
	nodes := []api.Node{}
	for _, n := range s.state.Nodes() {
		n.Filters, n.Warnings = slices.Clone(notNull(n.Filters)), notNull(n.Warnings)
		for i := range n.Filters {
			n.Filters[i].Warnings = notNull(n.Filters[i].Warnings)
		}
		if q.takesNode(&n) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

func (s *server) snapshot(query) any {
	now := s.state.Snapshot()
	if now.Filters == nil {
		now.Filters = map[string]string{}
	}
	return now
}

func (s *server) source(query) any {
	now := s.state.Source()
	now.Errors, now.Sources = notNull(now.Errors), notNull(now.Sources)
	return now
}

// belowFilters serves the paths below /filters/. A name may have slashes. The end of the path
// tells a POST, and also a history if the slash before "history" is not %2F and the rest names a
// filter.
func (s *server) belowFilters(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	before, change := s.changeAt(name)
	switch {
	case r.Method == http.MethodPost && change != nil:
		if e := mayChange(r); e != nil {
			writeError(w, e)
			return
		}
		change(w, r, before)
	case isRead(r) && strings.HasSuffix(r.URL.EscapedPath(), historyTail):
		s.history(w, name)
	case isRead(r):
		s.filter(w, name)
	case change != nil:
		writeMethodError(w, r, "GET, POST")
	default:
		writeMethodError(w, r, "GET")
	}
}

// changeAt returns the change for a POST to a path, and the filter's name in that path; nil:
// none.
func (s *server) changeAt(path string) (name string, change func(http.ResponseWriter, *http.Request, string)) {
	for tail, change := range map[string]func(http.ResponseWriter, *http.Request, string){
		rollbackTail: s.rollback, forgetTail: s.forget, retryTail: s.retry, promoteTail: s.promote,
	} {
		if name, found := strings.CutSuffix(path, tail); found {
			return name, change
		}
	}
	return "", nil
}

func (s *server) history(w http.ResponseWriter, path string) {
	name := strings.TrimSuffix(path, historyTail)
	h, ok := s.state.History(name)
	if !ok {
		if f, ok := s.state.Filter(path); ok {
			writeJSON(w, http.StatusOK, complete(f))
			return
		}
		writeError(w, s.unknown(name))
		return
	}
	h.Revisions = notNull(h.Revisions)
	writeJSON(w, http.StatusOK, h)
}

func (s *server) filter(w http.ResponseWriter, name string) {
	f, ok := s.state.Filter(name)
	if !ok {
		writeError(w, s.unknown(name))
		return
	}
	writeJSON(w, http.StatusOK, complete(f))
}

func (s *server) unknown(name string) *api.Error {
	var known []string
	for _, f := range s.state.Filters() {
		if f.State != api.FilterUnknown {
			known = append(known, f.Name)
		}
	}
	e := &api.Error{
		Code: api.CodeNoFilter, Message: fmt.Sprintf("there is no filter %q", name),
		Hint: "`wasm-xds status` and GET /api/v1/filters list them all",
	}
	if len(known) == 0 {
		e.Hint = "there is no filter at all yet: put a spec into the watched directory"
	} else if nearest := spec.Nearest(name, known); nearest != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", nearest)
	}
	return e
}

func (s *server) rollback(w http.ResponseWriter, r *http.Request, name string) {
	revision, e := bodyRevision(w, r, `send {"revision": "<12 hex digits, or the first of them>"}, or {} for the one before`)
	if e != nil {
		writeError(w, e)
		return
	}
	f, e := s.state.Rollback(r.Context(), name, revision)
	if e != nil && e.Code == api.CodeNoFilter {
		e = s.unknown(name)
	}
	if e != nil {
		writeError(w, e)
		return
	}
	s.log.Info("rolled back through the API", zap.String("filter", name),
		zap.String("revision", f.Revision), zap.String("client", r.RemoteAddr))
	writeJSON(w, http.StatusOK, complete(f))
}

// mayChange refuses requests that another site's page could send without a preflight request.
func mayChange(r *http.Request) *api.Error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &api.Error{
			Code: api.CodeMediaType, Message: "a request that changes something must be application/json",
			Hint: "add the header Content-Type: application/json",
		}
	}
	return nil
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, &api.Error{
		Code: api.CodeNotFound, Message: "there is nothing at " + r.URL.Path,
		Hint: "GET /api/v1 lists what the API has; beside it are /metrics, /healthz, /readyz and the page at /",
	})
}

// complete replaces null lists.
func complete(f api.Filter) api.Filter {
	if f.Condition == "" {
		f.Summarize()
	}
	f.Warnings = notNull(f.Warnings)
	if f.RolloutStatus != nil {
		f.RolloutStatus.WaitsFor = notNull(f.RolloutStatus.WaitsFor)
	}
	f.Subscribers = slices.Clone(notNull(f.Subscribers))
	for i := range f.Subscribers {
		f.Subscribers[i].Warnings = notNull(f.Subscribers[i].Warnings)
	}
	f.Canaries, f.Rejected = notNull(f.Canaries), notNull(f.Rejected)
	return f
}

func notNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
