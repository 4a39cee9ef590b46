package admin

import (
	"cmp"
	"net/http"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Options are the settings of a [Handler].
type Options struct {
	Version string       // of the server; "" means (devel)
	Metrics http.Handler // answers /metrics; nil means no /metrics
	Logger  *zap.Logger  // nil means that nothing is logged
	// OwnName reports whether a host name belongs to the server, beside IP addresses and the
	// machine's own names: the names of its certificate. nil means no further names.
	OwnName func(host string) bool
}

// Handler serves the API, the metrics, the health checks and the web page.
//
// The handler has no authentication. It refuses requests that a web page of another site could
// make a browser send: a changing request needs a JSON content type and the server's own origin,
// and the host name must be one of the server's (see [guard]).
func Handler(s State, o Options) http.Handler {
	version, logger, metrics := cmp.Or(o.Version, "(devel)"), o.Logger, o.Metrics
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
	outer.Handle("/", guard(mux, o.OwnName))
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
