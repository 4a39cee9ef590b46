package admin

import (
	"strings"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// A filter's name may end like the path of another filter's figures.
func TestFigures(t *testing.T) {
	state := someState()
	state.filters = []api.Filter{{Name: "team", Type: "http"}, {Name: "lone/figures", Type: "http"}}
	for path, want := range map[string]string{
		"team/figures":   `"seconds": 10`,
		"lone/figures":   `"subscribers": []`,
		"lone%2Ffigures": `"subscribers": []`,
		"temm/figures":   `did you mean \"team\"?`,
	} {
		got := request(t, Handler(state, Options{}), "GET", "/api/v1/filters/"+path, nil)
		if !strings.Contains(got.Body.String(), want) {
			t.Errorf("%s: %d %s, want %s", path, got.Code, got.Body, want)
		}
	}
	if got := request(t, Handler(state, Options{}), "POST", "/api/v1/filters/team/figures", nil); got.Code != 405 {
		t.Errorf("POST: %d", got.Code)
	}
}
