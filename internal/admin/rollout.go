package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// RolloutState is the progress of a rollout.
type RolloutState string

// The rollout states. Later versions may add more.
const (
	RolloutProgressing RolloutState = "progressing" // Envoys get the revision
	RolloutWaiting     RolloutState = "waiting"     // the remaining Envoys wait for the answers of those in WaitsFor
	RolloutStopped     RolloutState = "stopped"     // the rollout has ended early; the filter's Error has the reason
)

// RolloutStatus is the progress of a revision on its way to all Envoys.
type RolloutStatus struct {
	Revision string       `json:"revision"` // Candidate, or Stable while it is new to a version of Envoy
	State    RolloutState `json:"state"`
	// Promoted: a user has made the rollout continue without the spec's canaries.
	Promoted bool `json:"promoted"`
	// WaitsFor are the Envoys that delay the rollout, at most 20. It is never null.
	WaitsFor []RolloutWait `json:"waitsFor"`
}

// RolloutWait is a reason for a rollout's wait, nearly always an Envoy.
type RolloutWait struct {
	Node  string `json:"node"`  // its id; "": no Envoy in particular
	Envoy string `json:"envoy"` // its version; "": not known
	// Reason is canary_loads, canary_fetches, canary_next, no_answer, canary_lost,
	// server_restarted or no_canary_matches. Later versions may add more.
	Reason  string    `json:"reason"`
	Message string    `json:"message"` // for people, with all of the above
	Since   time.Time `json:"since"`
	// Until is when the rollout continues without this Envoy; absent: no such time.
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

// promote has a rollout continue without the canaries that the rollout waits for. The request
// needs no body.
func (s *server) promote(w http.ResponseWriter, r *http.Request, name string) {
	f, e := s.state.Promote(r.Context(), name)
	s.changed(w, r, f, e, "a rollout is promoted through the API")
}

// changed answers a change with the filter right after the change, and logs the change.
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
