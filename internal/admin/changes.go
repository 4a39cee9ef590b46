package admin

import (
	"cmp"
	"net/http"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// changes answers the requests to change a filter.
type changes struct {
	state State
	audit audit
}

// change answers a POST for the filter with this name.
type change func(w http.ResponseWriter, r *http.Request, name string)

// at returns the change for a POST to a path, and the filter's name in the path; nil: none.
func (c changes) at(path string) (name string, does change) {
	name, action := changeAt(path)
	return name, map[string]change{
		rollbackTail: c.rollback, forgetTail: c.forget, retryTail: c.retry, promoteTail: c.promote,
	}["/"+action]
}

// rollback serves an earlier revision again.
func (c changes) rollback(w http.ResponseWriter, r *http.Request, name string) {
	revision, e := bodyRevision(w, r, `send {"revision": "<12 hex digits, or the first of them>"}, or {} for the one before`)
	f := api.Filter{}
	if e == nil {
		f, e = c.state.Rollback(r.Context(), name, revision)
	}
	c.answer(w, r, "rollback", name, revision, f, e)
}

// retry tries a refused revision again.
func (c changes) retry(w http.ResponseWriter, r *http.Request, name string) {
	revision, e := bodyRevision(w, r, `send {"revision": "<12 hex digits, or the first of them>"}, or {} for the one that was refused`)
	f := api.Filter{}
	if e == nil {
		f, e = c.state.Retry(r.Context(), name, revision)
	}
	c.answer(w, r, "retry", name, revision, f, e)
}

// promote has a rollout continue without the awaited canaries. The request needs no body.
func (c changes) promote(w http.ResponseWriter, r *http.Request, name string) {
	f, e := c.state.Promote(r.Context(), name)
	c.answer(w, r, "promote", name, "", f, e)
}

// answer answers a change with the filter right after the change, and logs the change.
func (c changes) answer(w http.ResponseWriter, r *http.Request, action, name, asked string, f api.Filter, e *api.Error) {
	c.audit.note(r, action, name, cmp.Or(f.Candidate, f.Revision, asked), e)
	if e != nil {
		c.refuse(w, name, e)
		return
	}
	writeJSON(w, http.StatusOK, completeFilter(f))
}

// forget drops a filter without a spec. The request needs no body.
func (c changes) forget(w http.ResponseWriter, r *http.Request, name string) {
	done, e := c.state.Forget(r.Context(), name)
	c.audit.note(r, "forget", name, "", e)
	if e != nil {
		c.refuse(w, name, e)
		return
	}
	writeJSON(w, http.StatusOK, done)
}

// refuse answers a failed change.
func (c changes) refuse(w http.ResponseWriter, name string, e *api.Error) {
	if e.Code == api.CodeNoFilter {
		e = noFilter(c.state, name)
	}
	writeError(w, e)
}
