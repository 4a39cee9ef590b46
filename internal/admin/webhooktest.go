package admin

import (
	"net/http"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// webhookTestHandler sends a test message to the webhooks, and waits for the outcomes.
type webhookTestHandler struct {
	state State
	audit audit
}

// ServeHTTP answers a POST.
func (h webhookTestHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		writeMethodError(w, r, "POST")
		return
	}
	if e := mayChange(r); e != nil {
		writeError(w, e)
		return
	}
	body, e := bodyOf[api.WebhookTestBody](w, r, `send {} for all webhooks, or {"url": "<of one of them>"}`)
	var outcomes []api.WebhookTest
	if e == nil {
		outcomes, e = h.state.TestWebhooks(userOf(r), body.URL)
	}
	h.audit.note(r, serverAction(r), "", "", e)
	if e != nil {
		writeError(w, e)
		return
	}
	writeJSON(w, http.StatusOK, notNull(outcomes))
}
