package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// These are the default and the longest time of a sync.
const (
	defaultSyncTimeout = 30 * time.Second
	maxSyncTimeout     = 10 * time.Minute
)

// syncHandler has the specs read now, and waits for the outcome. A request without a body needs no
// content type: the origin tells another site's page.
type syncHandler struct{ state State }

// ServeHTTP answers a POST.
func (h syncHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		writeMethodError(w, r, "POST")
		return
	}
	timeout := defaultSyncTimeout
	if text := r.URL.Query().Get("timeout"); text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 || timeout > maxSyncTimeout {
			writeError(w, &api.Error{
				Code: api.CodeBadRequest, Message: fmt.Sprintf("timeout=%q is not a time that a sync may take", text),
				Hint: fmt.Sprintf("it is a duration above 0 and up to %s, such as timeout=30s", maxSyncTimeout),
			})
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	answer, e := h.state.Sync(ctx)
	if e != nil {
		writeError(w, e)
		return
	}
	answer.Errors, answer.Filters = notNull(answer.Errors), notNull(answer.Filters)
	writeJSON(w, http.StatusOK, answer)
}
