package admin

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// A test of webhooks is a change: it needs a content type, and the server knows the user.
func TestWebhookTest(t *testing.T) {
	state := someState()
	h := Handler(state, Options{})
	ask := func(method, kind, body string) (int, string) {
		t.Helper()
		r := httptest.NewRequest(method, "/api/v1/webhooks/test", strings.NewReader(body))
		r.Host = "127.0.0.1:18002"
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	const asJSON = "application/json"
	for _, tt := range []struct {
		method, kind, body string
		status             int
		answer             string
	}{
		{"POST", asJSON, "", 200, `"receiver": "hooks.example.com"`},
		{"POST", asJSON, `{"url": "https://hooks.example.com/a"}`, 200, `"taken": true`},
		{"POST", asJSON, `{"uri": "x"}`, 400, "the body is not what is taken here"},
		{"POST", "text/plain", "{}", 415, "application/json"},
		{"GET", asJSON, "", 405, "use POST"},
	} {
		if status, answer := ask(tt.method, tt.kind, tt.body); status != tt.status || !strings.Contains(answer, tt.answer) {
			t.Errorf("%s %s: %d %s", tt.method, tt.body, status, answer)
		}
	}
	if want := []string{" by 192.0.2.1", "https://hooks.example.com/a by 192.0.2.1"}; !slices.Equal(state.tested, want) {
		t.Errorf("tested %q", state.tested)
	}
	state.refuse = &api.Error{Code: api.CodeNoWebhook, Message: "the server has no webhook"}
	if status, answer := ask(http.MethodPost, asJSON, "{}"); status != 404 || !strings.Contains(answer, "has no webhook") {
		t.Errorf("without webhooks: %d %s", status, answer)
	}
}
