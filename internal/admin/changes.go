package admin

import (
	"net/http"
	"strings"

	"go.uber.org/zap"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// changes answers the requests that change a filter.
type changes struct {
	state State
	log   *zap.Logger
}

// change answers a POST for the filter of that name.
type change func(w http.ResponseWriter, r *http.Request, name string)

// at returns the change for a POST to a path, and the filter's name in that path; nil: none.
func (c changes) at(path string) (name string, does change) {
	for tail, does := range map[string]change{
		rollbackTail: c.rollback, forgetTail: c.forget, retryTail: c.retry, promoteTail: c.promote,
	} {
		if name, found := strings.CutSuffix(path, tail); found {
			return name, does
		}
	}
	return "", nil
}

// rollback serves an earlier revision again.
func (c changes) rollback(w http.ResponseWriter, r *http.Request, name string) {
	revision, e := bodyRevision(w, r, `send {"revision": "<12 hex digits, or the first of them>"}, or {} for the one before`)
	if e != nil {
		writeError(w, e)
		return
	}
	f, e := c.state.Rollback(r.Context(), name, revision)
	c.answer(w, r, name, f, e, "rolled back through the API")
}

// retry tries a refused revision again.
func (c changes) retry(w http.ResponseWriter, r *http.Request, name string) {
	revision, e := bodyRevision(w, r, `send {"revision": "<12 hex digits, or the first of them>"}, or {} for the one that was refused`)
	if e != nil {
		writeError(w, e)
		return
	}
	f, e := c.state.Retry(r.Context(), name, revision)
	c.answer(w, r, name, f, e, "a refused revision is tried again, through the API")
}

// promote has a rollout continue without the canaries that the rollout waits for. The request
// needs no body.
func (c changes) promote(w http.ResponseWriter, r *http.Request, name string) {
	f, e := c.state.Promote(r.Context(), name)
	c.answer(w, r, name, f, e, "a rollout is promoted through the API")
}

// answer answers a change with the filter right after the change, and logs the change.
func (c changes) answer(w http.ResponseWriter, r *http.Request, name string, f api.Filter, e *api.Error, what string) {
	if e != nil {
		c.refuse(w, name, e)
		return
	}
	c.log.Info(what, zap.String("filter", f.Name), zap.String("revision", f.Revision),
		zap.String("candidate", f.Candidate), zap.String("client", r.RemoteAddr))
	writeJSON(w, http.StatusOK, completeFilter(f))
}

// forget drops a filter without a spec. The request needs no body.
func (c changes) forget(w http.ResponseWriter, r *http.Request, name string) {
	done, e := c.state.Forget(r.Context(), name)
	if e != nil {
		c.refuse(w, name, e)
		return
	}
	c.log.Info("forgotten through the API", zap.String("filter", name), zap.String("client", r.RemoteAddr))
	writeJSON(w, http.StatusOK, done)
}

// refuse answers a change that did not happen.
func (c changes) refuse(w http.ResponseWriter, name string, e *api.Error) {
	if e.Code == api.CodeNoFilter {
		e = noFilter(c.state, name)
	}
	writeError(w, e)
}
