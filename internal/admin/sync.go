package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Sync is the outcome of a read of the specs, as POST /api/v1/sync answers.
type Sync struct {
	Version string       `json:"version"` // of the wanted revisions, as in [Snapshot]
	Error   *Error       `json:"error"`   // the specs could not be read, or are held; null: they were read and taken
	Errors  []*Error     `json:"errors"`  // all errors of the specs
	Filters []SyncFilter `json:"filters"` // sorted by name
}

// SyncFilter is the wanted content of a filter.
type SyncFilter struct {
	Name     string      `json:"name"`
	State    FilterState `json:"state"`
	Revision string      `json:"revision"` // for all Envoys, 12 hex digits; "": no revision of its own
	Refused  string      `json:"refused"`  // the revision that the sandbox has refused; "": none, or it has no revision
	SpecFile string      `json:"specFile"` // "": no spec
	Error    *Error      `json:"error"`    // the reason for which the spec's content is not wanted; null: it is wanted
}

// These are the default and the longest time of a sync.
const (
	defaultSyncTimeout = 30 * time.Second
	maxSyncTimeout     = 10 * time.Minute
)

// sync has the specs read now, and waits for the outcome. A request without a body needs no
// content type: the origin tells another site's page.
func (s *server) sync(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		writeMethodError(w, r, "POST")
		return
	}
	timeout := defaultSyncTimeout
	if text := r.URL.Query().Get("timeout"); text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil || timeout <= 0 || timeout > maxSyncTimeout {
			writeError(w, &Error{
				Code: codeBadRequest, Message: fmt.Sprintf("timeout=%q is not a time that a sync may take", text),
				Hint: fmt.Sprintf("it is a duration above 0 and up to %s, such as timeout=30s", maxSyncTimeout),
			})
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	answer, e := s.state.Sync(ctx)
	if e != nil {
		writeError(w, e)
		return
	}
	answer.Errors, answer.Filters = notNull(answer.Errors), notNull(answer.Filters)
	writeJSON(w, http.StatusOK, answer)
}
