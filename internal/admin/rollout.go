package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// retry tries a refused revision again.
func (s *server) retry(w http.ResponseWriter, r *http.Request, name string) {
	revision, e := bodyRevision(w, r, `send {"revision": "<12 hex digits, or the first of them>"}, or {} for the one that was refused`)
	if e != nil {
		writeError(w, e)
		return
	}
	f, e := s.state.Retry(r.Context(), name, revision)
	s.changed(w, r, f, e, "a refused revision is tried again, through the API")
}

// promote has a rollout continue without the canaries that the rollout waits for. The request
// needs no body.
func (s *server) promote(w http.ResponseWriter, r *http.Request, name string) {
	f, e := s.state.Promote(r.Context(), name)
	s.changed(w, r, f, e, "a rollout is promoted through the API")
}

// changed answers a change with the filter right after the change, and logs the change.
func (s *server) changed(w http.ResponseWriter, r *http.Request, f api.Filter, e *api.Error, what string) {
	if e != nil && e.Code == api.CodeNoFilter {
		e = s.unknown(f.Name)
	}
	if e != nil {
		writeError(w, e)
		return
	}
	s.log.Info(what, zap.String("filter", f.Name), zap.String("revision", f.Revision),
		zap.String("candidate", f.Candidate), zap.String("client", r.RemoteAddr))
	writeJSON(w, http.StatusOK, complete(f))
}

// bodyRevision reads the body of a change that may name a revision.
func bodyRevision(w http.ResponseWriter, r *http.Request, hint string) (string, *api.Error) {
	var body api.RevisionBody
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	in.DisallowUnknownFields()
	if err := in.Decode(&body); err != nil && err != io.EOF {
		return "", &api.Error{Code: api.CodeBadRequest, Message: fmt.Sprintf("the body is not what is taken here: %v", err), Hint: hint}
	}
	return body.Revision, nil
}
