package admin

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

func TestHistoryIsTheDocumentedJSON(t *testing.T) {
	state := someState()
	state.histories = map[string]api.History{"auth": {Name: "auth", Rollback: "aaaaaaaaaaaa", Revisions: []api.Revision{
		{Revision: "0123456789ab", State: api.RevisionActive, Wanted: true, ServedSeconds: 60, Changes: []string{"config.realm"}, Module: api.Module{SHA256: "ff", Size: 7}, SpecFile: "/specs/auth.yaml", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		{Revision: "aaaaaaaaaaaa", State: api.RevisionEarlier, Error: &api.Error{Code: "rejected_by_envoy"}},
	}}}
	got := request(t, Handler(state, Options{}), "GET", "/api/v1/filters/auth/history", nil)
	var have, want any
	decode(t, got.Body, &have)
	decode(t, strings.NewReader(`{"name":"auth","rollback":"aaaaaaaaaaaa","error":null,"revisions":[
		{"revision":"0123456789ab","state":"active","wanted":true,"since":"2026-01-02T03:04:05Z","servedSeconds":60,"changes":["config.realm"],"module":{"sha256":"ff","size":7},"specFile":"/specs/auth.yaml","error":null},
		{"revision":"aaaaaaaaaaaa","state":"earlier","wanted":false,"servedSeconds":0,"module":{"sha256":"","size":0},"specFile":"",
		 "error":{"code":"rejected_by_envoy","message":"","hint":"","file":"","line":0,"column":0}}]}`), &want)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

// A filter's name may end like the path of another filter's history.
func TestHistoryOfNamesWithSlashes(t *testing.T) {
	state := someState()
	state.filters = []api.Filter{{Name: "team", Type: "http"}, {Name: "team/history", Type: "http"}, {Name: "lone/history", Type: "http"}}
	state.histories = map[string]api.History{"team": {Name: "team"}, "team/history": {Name: "team/history"}, "lone/history": {Name: "lone/history"}}
	for path, want := range map[string]string{
		"team/history":           `"revisions": []`,
		"team%2Fhistory":         `"subscribers": []`,
		"team%2Fhistory/history": `"name": "team/history",` + "\n" + `  "rollback"`,
		"team/history/history":   `"name": "team/history",` + "\n" + `  "rollback"`,
		"lone/history":           `"subscribers": []`,
		"temm/history":           `did you mean \"team\"?`,
	} {
		got := request(t, Handler(state, Options{}), "GET", "/api/v1/filters/"+path, nil)
		if !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", path, got.Code, got.Body, want)
		}
	}
}
