package view

import (
	"slices"
	"testing"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/test/apitest"
)

func TestChanges(t *testing.T) {
	with := func(filters ...api.Filter) *View {
		v := &View{Filters: filters, Source: api.Source{State: api.SourceOK}}
		for i := range v.Filters {
			v.Filters[i].Summarize()
		}
		return v
	}
	broken := with(apitest.LiveFilter("auth"))
	broken.Source.State, broken.Source.Errors = api.SourceHeld, []*api.Error{{Message: "bad"}}
	if got := Changes(with(apitest.LiveFilter("auth")), with(apitest.LiveFilter("auth"))); got != nil {
		t.Errorf("nothing has changed: %q", got)
	}
	if got, want := Changes(with(apitest.LiveFilter("auth")), with(apitest.LiveFilter("new"))), []string{"auth  forgotten", "new  active  0123456789ab  1/1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := Changes(with(apitest.LiveFilter("auth")), broken), []string{"bad", "source  held"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
