package admin

import (
	"context"
	"net/http"
)

// read answers GET and HEAD with the result of get for the request's parameters, as JSON. If
// takes is nil, read ignores parameters.
func read(takes parameters, get func(query) any) http.Handler {
	return readWith(takes, func(_ context.Context, q query) any { return get(q) })
}

// readWith is read for a result that may take a time. The context ends with the request.
func readWith(takes parameters, get func(context.Context, query) any) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isRead(r) {
			writeMethodError(w, r, "GET")
			return
		}
		if takes == nil {
			writeJSON(w, http.StatusOK, get(r.Context(), nil))
			return
		}
		q, e := takes.parse(r.URL.Query())
		if e != nil {
			writeError(w, e)
			return
		}
		writeJSON(w, http.StatusOK, get(r.Context(), q))
	})
}
