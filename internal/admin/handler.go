package admin

import (
	"net/http"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

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
	show := lists{s}
	mux := http.NewServeMux()
	for _, index := range []string{"/api/v1", apiRoot + "{$}"} {
		mux.Handle(index, read(nil, func(query) any { return indexOf(version) }))
	}
	mux.Handle(apiRoot+"version", read(nil, func(query) any { return about(version) }))
	mux.Handle(openAPIPath, read(nil, func(query) any { return openAPI(version) }))
	mux.Handle(apiRoot+"filters", read(filterParameters, show.filters))
	mux.Handle(filtersRoot+"{name...}", filterHandler{state: s, changes: changes{state: s, log: logger}})
	mux.Handle(apiRoot+"nodes", read(nodeParameters, show.nodes))
	mux.Handle(apiRoot+"snapshot", read(nil, show.snapshot))
	mux.Handle(apiRoot+"source", read(nil, show.source))
	mux.Handle(apiRoot+"sync", syncHandler{s})
	mux.Handle(apiRoot+"visitors", read(nil, show.visitors))
	mux.Handle(apiRoot+"limits", read(nil, show.limits))
	mux.Handle(apiRoot+"certificates", read(nil, show.certificates))
	mux.Handle("GET "+apiRoot+"events", newEventsHandler(s))
	mux.HandleFunc("GET /{$}", newPage().serve)
	mux.HandleFunc("/", notFound)

	outer := http.NewServeMux()
	outer.Handle("/", guard(mux))
	// A probe or a scraper may use any host name, and learns nothing secret.
	outer.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	outer.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { writeReady(w, s.Ready()) })
	if metrics != nil {
		outer.Handle("GET /metrics", metrics)
	}
	return outer
}

func writeReady(w http.ResponseWriter, ready bool) {
	if ready {
		writeText(w, http.StatusOK, "ready\n")
		return
	}
	writeText(w, http.StatusServiceUnavailable, "not ready: there is no snapshot to serve yet\n")
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, &api.Error{
		Code: api.CodeNotFound, Message: "there is nothing at " + r.URL.Path,
		Hint: "GET /api/v1 lists what the API has; beside it are /metrics, /healthz, /readyz and the page at /",
	})
}
