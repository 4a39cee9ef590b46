package admin

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Sync is what a read of the specs led to, as POST /api/v1/sync answers it.
type Sync struct {
	Version string       `json:"version"` // of the set of revisions that is wanted now, as in [Snapshot]
	Error   *Error       `json:"error"`   // why the specs could not be read, or are held; null: they were read and taken
	Errors  []*Error     `json:"errors"`  // of the specs, all of them
	Filters []SyncFilter `json:"filters"` // sorted by name
}

// SyncFilter is what is wanted of one filter.
type SyncFilter struct {
	Name     string      `json:"name"`
	State    FilterState `json:"state"`
	Revision string      `json:"revision"` // what Envoys are to run, 12 hex digits; "": nothing of its own
	Refused  string      `json:"refused"`  // the revision that the sandbox has refused; "": none, or it has no revision
	SpecFile string      `json:"specFile"` // "": there is none
	Error    *Error      `json:"error"`    // why the spec's content is not what is wanted; null: it is
}

// How long a sync may take: by default, and at most.
const (
	defaultSyncTimeout = 30 * time.Second
	maxSyncTimeout     = 10 * time.Minute
)

// sync has the specs read as they are now and waits for what that leads to. A request without
// a body needs no content type: another site's page is told by its origin.
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
