package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// A freeze has a reason and a user, and anybody with read access sees it.
func TestFreeze(t *testing.T) {
	state := someState()
	h := Handler(state, Options{})
	ask := func(method, body string) (int, string) {
		t.Helper()
		r := httptest.NewRequest(method, "/api/v1/freeze", strings.NewReader(body))
		r.Host = "127.0.0.1:18002"
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	for _, tt := range []struct {
		method, body string
		status       int
		answer       string
	}{
		{"GET", "", 200, `"frozen": false`},
		{"POST", "{}", 400, "a freeze needs a reason"},
		{"POST", `{"why": "sale"}`, 400, "reason"},
		{"POST", `{"reason": "sale"}`, 200, `"reason": "sale"`},
		{"GET", "", 200, `"by": "192.0.2.1"`},
		{"DELETE", "", 200, `"frozen": false`},
		{"PUT", "", 405, "GET, POST or DELETE"},
	} {
		if status, answer := ask(tt.method, tt.body); status != tt.status || !strings.Contains(answer, tt.answer) {
			t.Errorf("%s %s: %d %s", tt.method, tt.body, status, answer)
		}
	}
	state.refuse = &api.Error{Code: "frozen", Message: "the server is frozen already"}
	if status, answer := ask("POST", `{"reason": "sale"}`); status != 409 || !strings.Contains(answer, "frozen already") {
		t.Errorf("a second freeze: %d %s", status, answer)
	}
}
