package admin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func (f *fake) Retry(_ context.Context, name, revision string) (api.Filter, *api.Error) {
	return f.decide("retry " + name + "@" + revision)
}

func (f *fake) Promote(_ context.Context, name string) (api.Filter, *api.Error) {
	return f.decide("promote " + name)
}

func (f *fake) decide(what string) (api.Filter, *api.Error) {
	name, _, _ := strings.Cut(strings.Fields(what)[1], "@")
	if f.refuse != nil {
		return api.Filter{Name: name}, f.refuse
	}
	one, ok := f.Filter(name)
	if !ok {
		return api.Filter{Name: name}, &api.Error{Code: api.CodeNoFilter}
	}
	f.decided = append(f.decided, what)
	return one, nil
}

func TestRetryAndPromote(t *testing.T) {
	asJSON := http.Header{"Content-Type": {"application/json"}}
	none := &api.Error{Code: "nothing_to_retry", Message: "nothing was refused"}
	for _, tt := range []struct {
		name, method, path, body string
		header                   http.Header
		refuse                   *api.Error
		status                   int
		answer                   string // or the change, with 200
	}{
		{"retry", "POST", "auth/retry", `{}`, asJSON, nil, 200, "retry auth@"},
		{"retry of a revision", "POST", "team/hello/retry", `{"revision": "ab"}`, asJSON, nil, 200, "retry team/hello@ab"},
		{"retry without a body", "POST", "auth/retry", ``, asJSON, nil, 200, "retry auth@"},
		{"retry of nothing", "POST", "auth/retry", `{}`, asJSON, none, 409, "nothing was refused"},
		{"retry with a wrong field", "POST", "auth/retry", `{"revison": "ab"}`, asJSON, nil, 400, "revison"},
		{"retry of a misspelt name", "POST", "auht/retry", `{}`, asJSON, nil, 404, `did you mean \"auth\"?`},
		{"promote", "POST", "auth/promote", ``, asJSON, nil, 200, "promote auth"},
		{"promote a misspelt name", "POST", "auht/promote", ``, asJSON, nil, 404, `did you mean \"auth\"?`},
		{"promote below rollout", "POST", "auth/rollout/promote", ``, asJSON, nil, 200, "promote auth"},
		{"pause", "POST", "team/hello/rollout/pause", `{"reason": "lunch"}`, asJSON, nil, 200, "pause team/hello: lunch by 192.0.2.1"},
		{"pause with a wrong field", "POST", "auth/rollout/pause", `{"why": "lunch"}`, asJSON, nil, 400, "reason"},
		{"resume", "POST", "auth/rollout/resume", ``, asJSON, nil, 200, "resume auth:  by 192.0.2.1"},
		{"abort", "POST", "auth/rollout/abort", `{}`, asJSON, nil, 200, "abort auth:  by 192.0.2.1"},
		{"abort of nothing", "POST", "auth/rollout/abort", `{}`, asJSON, none, 409, "nothing was refused"},
		{"unpin", "POST", "auth/unpin", ``, asJSON, nil, 200, "unpin auth:  by 192.0.2.1"},
		{"another decision", "POST", "auth/rollout/stop", ``, asJSON, nil, 405, "GET"},
		{"a form", "POST", "auth/promote", ``, http.Header{"Content-Type": {"text/plain"}}, nil, 415, "application/json"},
		{"another method", "PUT", "auth/promote", ``, asJSON, nil, 405, "GET, POST"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state := someState()
			state.refuse = tt.refuse
			r := httptest.NewRequest(tt.method, "/api/v1/filters/"+tt.path, strings.NewReader(tt.body))
			r.Header, r.Host = tt.header, "127.0.0.1:18002"
			got := httptest.NewRecorder()
			Handler(state, Options{}).ServeHTTP(got, r)
			if tt.status == 200 {
				if got.Code != 200 || !slices.Equal(state.decided, []string{tt.answer}) {
					t.Errorf("%d, did %q: %s", got.Code, state.decided, got.Body)
				}
			} else if got.Code != tt.status || !strings.Contains(got.Body.String(), tt.answer) || len(state.decided) > 0 {
				t.Errorf("%d, did %q: %s", got.Code, state.decided, got.Body)
			}
		})
	}
}
