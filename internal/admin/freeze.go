package admin

import (
	"net/http"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// freezeHandler answers GET with the freeze of the server, and changes the freeze.
type freezeHandler struct {
	state State
	audit audit
}

func (h freezeHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case isRead(r):
		writeJSON(w, http.StatusOK, h.state.Freeze())
		return
	case r.Method != http.MethodPost && r.Method != http.MethodDelete:
		writeMethodError(w, r, "GET, POST or DELETE")
		return
	}
	// A page of another site cannot send DELETE without asking first.
	if e := mayChange(r); e != nil && r.Method == http.MethodPost {
		writeError(w, e)
		return
	}
	frozen := r.Method == http.MethodPost
	body, e := bodyOf[api.FreezeBody](w, r, `send {"reason": "<why>"}`)
	if e == nil && frozen && body.Reason == "" {
		e = &api.Error{Code: api.CodeBadRequest, Message: "a freeze needs a reason", Hint: `send {"reason": "<why>"}: others will ask`}
	}
	f := api.Freeze{}
	if e == nil {
		f, e = h.state.SetFreeze(userOf(r), frozen, body.Reason)
	}
	h.audit.note(r, serverAction(r), "", "", e)
	if e != nil {
		writeError(w, e)
		return
	}
	writeJSON(w, http.StatusOK, f)
}
