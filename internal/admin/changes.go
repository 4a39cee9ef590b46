package admin

import (
	"cmp"
	"context"
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
		rollbackTail: c.rollback, forgetTail: c.forget, retryTail: c.retry, promoteTail: c.promote, unpinTail: c.unpin,
		"/pause": c.pause, "/resume": c.resume, "/abort": c.abort,
	}["/"+action]
}

// rollback serves an earlier revision again.
func (c changes) rollback(w http.ResponseWriter, r *http.Request, name string) {
	body, e := bodyOf[api.RollbackBody](w, r, `send {"revision": "<12 hex digits, or the first of them>", "pin": false}, or {} for the one before`)
	f := api.Filter{}
	if e == nil {
		f, e = c.state.Rollback(userOf(r), name, body.Revision, body.Pin)
	}
	action := "rollback"
	if body.Pin {
		action = "pin"
	}
	c.answer(w, r, action, name, body.Revision, f, e)
}

// unpin ends a rollback. The request needs no body.
func (c changes) unpin(w http.ResponseWriter, r *http.Request, name string) {
	f, e := c.state.Unpin(userOf(r), name)
	c.answer(w, r, "unpin", name, "", f, e)
}

// retry tries a refused revision again.
func (c changes) retry(w http.ResponseWriter, r *http.Request, name string) {
	body, e := bodyOf[api.RevisionBody](w, r, `send {"revision": "<12 hex digits, or the first of them>"}, or {} for the one that was refused`)
	f := api.Filter{}
	if e == nil {
		f, e = c.state.Retry(userOf(r), name, body.Revision)
	}
	c.answer(w, r, "retry", name, body.Revision, f, e)
}

// promote has a rollout continue without the awaited canaries and the soak. The request needs no
// body.
func (c changes) promote(w http.ResponseWriter, r *http.Request, name string) {
	f, e := c.state.Promote(userOf(r), name)
	c.answer(w, r, "promote", name, "", f, e)
}

// pause holds a rollout. The body may have a reason.
func (c changes) pause(w http.ResponseWriter, r *http.Request, name string) {
	c.hold(w, r, "pause", name, c.state.Pause)
}

// resume ends the pause of a rollout. The request needs no body.
func (c changes) resume(w http.ResponseWriter, r *http.Request, name string) {
	f, e := c.state.Resume(userOf(r), name)
	c.answer(w, r, "resume", name, "", f, e)
}

// abort stops a rollout. The body may have a reason.
func (c changes) abort(w http.ResponseWriter, r *http.Request, name string) {
	c.hold(w, r, "abort", name, c.state.Abort)
}

func (c changes) hold(w http.ResponseWriter, r *http.Request, action, name string, do func(context.Context, string, string) (api.Filter, *api.Error)) {
	body, e := bodyOf[api.HoldBody](w, r, `send {"reason": "<for the record>"}, or {}`)
	f := api.Filter{}
	if e == nil {
		f, e = do(userOf(r), name, body.Reason)
	}
	c.answer(w, r, action, name, "", f, e)
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
