package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// RolloutState is where a rollout stands.
type RolloutState string

// The rollout states. More may come.
const (
	RolloutProgressing RolloutState = "progressing" // Envoys get the revision
	RolloutWaiting     RolloutState = "waiting"     // the others get it when those in WaitsFor have answered
	RolloutStopped     RolloutState = "stopped"     // it goes no further; the filter's Error says why
)

// RolloutStatus is how far a revision is on its way to all Envoys.
type RolloutStatus struct {
	Revision string       `json:"revision"` // Candidate, or Stable while it is new to a version of Envoy
	State    RolloutState `json:"state"`
	// Promoted says that it goes on without the canaries that the spec asks for: somebody has said so.
	Promoted bool `json:"promoted"`
	// WaitsFor are the Envoys for whom the others wait, at most 20. It is never null.
	WaitsFor []RolloutWait `json:"waitsFor"`
}

// RolloutWait is one thing that a rollout waits for, nearly always an Envoy.
type RolloutWait struct {
	Node  string `json:"node"`  // its id; "": no Envoy in particular
	Envoy string `json:"envoy"` // its version; "": not known
	// Reason is canary_loads, canary_fetches, canary_next, no_answer, canary_lost, server_restarted or
	// no_canary_matches. More may come.
	Reason  string    `json:"reason"`
	Message string    `json:"message"` // for people, with all of the above
	Since   time.Time `json:"since"`
	// Until is when the rollout goes on without it; absent where there is no such time.
	Until time.Time `json:"until,omitzero"`
}

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

// promote has a rollout go on without the canaries that it waits for. Its request needs no body.
func (s *server) promote(w http.ResponseWriter, r *http.Request, name string) {
	f, e := s.state.Promote(r.Context(), name)
	s.changed(w, r, f, e, "a rollout is promoted through the API")
}

// changed answers a change with the filter as it then is, and logs it.
func (s *server) changed(w http.ResponseWriter, r *http.Request, f Filter, e *Error, what string) {
	if e != nil && e.Code == CodeNoFilter {
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
func bodyRevision(w http.ResponseWriter, r *http.Request, hint string) (string, *Error) {
	var body struct {
		Revision string `json:"revision"`
	}
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	in.DisallowUnknownFields()
	if err := in.Decode(&body); err != nil && err != io.EOF {
		return "", &Error{Code: codeBadRequest, Message: fmt.Sprintf("the body is not what is taken here: %v", err), Hint: hint}
	}
	return body.Revision, nil
}
