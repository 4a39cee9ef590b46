package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestSync(t *testing.T) {
	s := someState()
	h := Handler(s, Options{})
	ask := func(method, target string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://127.0.0.1"+target, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := ask(http.MethodPost, "/api/v1/sync"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"revision": "0123456789ab"`) || s.syncedFor != defaultSyncTimeout {
		t.Errorf("%d after %v: %s", w.Code, s.syncedFor, w.Body)
	}
	if w := ask(http.MethodPost, "/api/v1/sync?timeout=5m"); w.Code != http.StatusOK || s.syncedFor != 5*time.Minute {
		t.Errorf("%d after %v: %s", w.Code, s.syncedFor, w.Body)
	}
	for _, timeout := range []string{"0s", "-1s", "11m", "10", "soon"} {
		if w := ask(http.MethodPost, "/api/v1/sync?timeout="+timeout); w.Code != http.StatusBadRequest {
			t.Errorf("timeout=%s: %d %s", timeout, w.Code, w.Body)
		}
	}
	if w := ask(http.MethodGet, "/api/v1/sync"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %s", w.Code, w.Body)
	}
	if w := ask(http.MethodPost, "/api/v1/sync", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("another site's page: %d %s", w.Code, w.Body)
	}
	s.refuse = &api.Error{Code: api.CodeSyncTimeout, Message: "still fetched"}
	if w := ask(http.MethodPost, "/api/v1/sync"); w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "still fetched") {
		t.Errorf("too late: %d %s", w.Code, w.Body)
	}
}
