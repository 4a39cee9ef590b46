package admin

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestForget(t *testing.T) {
	asJSON := http.Header{"Content-Type": {"application/json"}}
	asked := &api.Error{Code: api.CodeStillAsked, Message: "2 Envoys ask for filter \"auth\"", Hint: "take it out"}
	for _, tt := range []struct {
		name, method, path string
		header             http.Header
		refuse             *api.Error
		status             int
		answer             string
	}{
		{"done", "POST", "auth/forget", asJSON, nil, 200, `"revisions": 2`},
		{"a name with a slash in it", "POST", "team%2Fauth/forget", asJSON, nil, 404, api.CodeNoFilter},
		{"an Envoy asks", "POST", "auth/forget", asJSON, asked, 409, api.CodeStillAsked},
		{"a form of another page", "POST", "auth/forget", http.Header{"Content-Type": {"text/plain"}}, nil, 415, "application/json"},
		{"a page of another site", "POST", "auth/forget", http.Header{"Content-Type": {"application/json"}, "Origin": {"https://evil.example"}}, nil, 403, api.CodeCrossSite},
		{"another method", "DELETE", "auth/forget", asJSON, nil, 405, "GET, POST"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state := someState()
			state.refuse = tt.refuse
			r := httptest.NewRequest(tt.method, "/api/v1/filters/"+tt.path, nil)
			r.Header, r.Host = tt.header, "127.0.0.1:18002"
			got := httptest.NewRecorder()
			Handler(state, Options{}).ServeHTTP(got, r)
			if got.Code != tt.status || !strings.Contains(got.Body.String(), tt.answer) {
				t.Errorf("%d: %s", got.Code, got.Body)
			}
			if forgets := tt.status == 200; forgets != slices.Equal(state.forgotten, []string{"auth"}) {
				t.Errorf("forgotten: %v", state.forgotten)
			}
		})
	}
}
