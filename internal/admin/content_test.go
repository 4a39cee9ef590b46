package admin

import (
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// The content of a filter is answered below its name, and a filter may be called that way.
func TestContent(t *testing.T) {
	s := someState()
	s.contents = map[string]api.Content{"auth": {Name: "auth", Revision: "0123456789ab"}}
	s.filters = append(s.filters, api.Filter{Name: "a/content"})
	h := Handler(s, Options{})
	var c api.Content
	got := request(t, h, "GET", "/api/v1/filters/auth/content", nil)
	if decode(t, got.Body, &c); got.Code != 200 || c.Revision != "0123456789ab" || c.Settings == nil || c.Tests == nil {
		t.Errorf("%d: %+v", got.Code, c)
	}
	var f api.Filter
	if decode(t, request(t, h, "GET", "/api/v1/filters/a/content", nil).Body, &f); f.Name != "a/content" {
		t.Errorf("%+v", f)
	}
	if got := request(t, h, "GET", "/api/v1/filters/none/content", nil); got.Code != 404 {
		t.Errorf("an unknown filter: %d", got.Code)
	}
}

// An overview of a large fleet needs no subscribers, and the counts stay.
func TestFiltersWithoutSubscribers(t *testing.T) {
	h := Handler(someState(), Options{})
	for query, want := range map[string]int{"": 1, "?subscribers=all": 1, "?subscribers=none": 0} {
		var all []api.Filter
		decode(t, request(t, h, "GET", "/api/v1/filters"+query, nil).Body, &all)
		if len(all) == 0 || len(all[0].Subscribers) != want || all[0].Subscribers == nil || all[0].Envoys.Total != 1 {
			t.Errorf("%q: %+v", query, all)
		}
	}
}
