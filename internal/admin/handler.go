package admin

import (
	"cmp"
	"net/http"
	"path"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// Options are the settings of a [Handler].
type Options struct {
	Version string       // of the server; "" means (devel)
	Metrics http.Handler // answers /metrics; nil means no /metrics
	// Tokens are the tokens for requests. nil means no request needs a token.
	Tokens Tokens
	// Refused is called with the address of each client with an unknown token. nil means no call.
	Refused func(from string)
	// Audit gets a line for each change. nil means no log.
	Audit *zap.Logger
	// Fleet has the other replicas. nil means the server is alone.
	Fleet Fleet
	// OwnName reports whether a host name belongs to the server, beside IP addresses and the
	// machine's own names: the names of its certificate. nil means no further names.
	OwnName func(host string) bool
}

// Handler serves the API, the metrics, the health checks and the web page.
//
// If there are tokens, each request needs one, except for the health checks and the page itself,
// which has no data in it. Beyond that, the handler refuses requests that a web page of another
// site could make a browser send: a changing request needs a JSON content type and the server's own
// origin, and the host name must be one of the server's (see [guard]).
func Handler(s State, o Options) http.Handler {
	version, log := cmp.Or(o.Version, "(devel)"), audit{o.Audit}
	if o.Audit == nil {
		log.log = zap.NewNop()
	}
	guarded := access{tokens: o.Tokens, refused: o.Refused, audit: log}
	if o.Refused == nil {
		guarded.refused = func(string) {}
	}
	fleet := o.Fleet
	if fleet == nil {
		fleet = alone{}
	}
	show := lists{s}
	mux := http.NewServeMux()
	for _, index := range []string{"/api/v1", apiRoot + "{$}"} {
		mux.Handle(index, read(nil, func(query) any { return indexOf(version) }))
	}
	mux.Handle(apiRoot+"version", read(nil, func(query) any { return about(version) }))
	mux.Handle(openAPIPath, read(nil, func(query) any { return openAPI(version) }))
	mux.Handle(apiRoot+"filters", readWith(filterParameters, filtersOf(s, fleet)))
	mux.Handle(apiRoot+"replicas", readWith(nil, replicasOf(s, fleet)))
	mux.Handle(filtersRoot+"{name...}", filterHandler{state: s, fleet: fleet, changes: changes{state: s, audit: log}})
	mux.Handle(apiRoot+"nodes", read(nodeParameters, show.nodes))
	mux.Handle(apiRoot+"snapshot", read(nil, show.snapshot))
	mux.Handle(apiRoot+"source", read(nil, show.source))
	mux.Handle(syncPath, syncHandler{s})
	mux.Handle(freezePath, freezeHandler{s, log})
	mux.Handle(apiRoot+"visitors", read(nil, show.visitors))
	mux.Handle(apiRoot+"limits", read(nil, show.limits))
	mux.Handle(apiRoot+"certificates", read(nil, show.certificates))
	mux.Handle(apiRoot+"webhooks", read(nil, show.webhooks))
	mux.Handle(webhookTest, webhookTestHandler{s, log})
	mux.Handle(apiRoot+"identity", read(nil, show.identity))
	mux.Handle(apiRoot+"tokens", read(nil, show.tokens))
	mux.Handle("GET "+apiRoot+"events", newEventsHandler(s))
	mux.HandleFunc("/", notFound)

	open := http.NewServeMux()
	newPage().addTo(open)
	open.Handle("/", guarded.to(mux))

	outer := http.NewServeMux()
	outer.Handle("/", guard(open, o.OwnName))
	// A probe or a scraper may use any host name, and learns nothing secret.
	outer.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	outer.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { writeReady(w, s.Ready(), s.Replica().Degraded) })
	if o.Metrics != nil {
		outer.Handle("GET /metrics", guarded.to(o.Metrics))
	}
	return onlyPlainPaths(outer)
}

// onlyPlainPaths refuses paths with `..`, `.` or empty elements. A ServeMux would answer with a
// redirect to the path that they mean, before any check of the client. No browser guesses the type
// of an answer.
func onlyPlainPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		plain := path.Clean("/" + r.URL.Path)
		if r.URL.Path == plain || r.URL.Path == plain+"/" {
			next.ServeHTTP(w, r)
			return
		}
		notFound(w, r)
	})
}

// writeReady answers a probe. A replica without its ledger is ready: it serves its filters.
func writeReady(w http.ResponseWriter, problem error, degraded *api.Error) {
	switch {
	case problem != nil:
		writeText(w, http.StatusServiceUnavailable, "not ready: "+problem.Error()+"\n")
	case degraded != nil:
		writeText(w, http.StatusOK, "ready, degraded: "+degraded.Message+"\n")
	default:
		writeText(w, http.StatusOK, "ready\n")
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, &api.Error{
		Code: api.CodeNotFound, Message: "there is nothing at " + r.URL.Path,
		Hint: "GET /api/v1 lists what the API has; beside it are /metrics, /healthz, /readyz and the page at /",
	})
}
