package dev

import (
	"strings"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/cli/display"
	"github.com/wasm-xds/wasm-xds/internal/cli/view"
)

// devFilter is a filter with an Envoy.
func devFilter(name string, state api.SubscriberState, revision, variant string) api.Filter {
	return api.Filter{Name: name, State: api.FilterActive, Subscribers: []api.Subscriber{
		{Node: "envoy-1", State: state, Revision: revision, Variant: variant, Since: devLive},
	}}
}

var (
	devWanted = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	devLive   = devWanted.Add(12 * time.Millisecond)
)

func TestDevReport(t *testing.T) {
	const first, second = "5f83dc06bbf6", "1704ad09aaaa"
	steps := []struct {
		name   string
		filter api.Filter // without a name: no filter
		want   string     // "": no line
	}{
		{"it boots", devFilter("hello", api.SubscriberPending, "", ""), ""},
		{"it is live", devFilter("hello", api.SubscriberLive, first, "inline"), "hello  live in 12 ms  5f83dc06"},
		{"a new revision is on its way", devFilter("hello", api.SubscriberFetching, first, "inline"), ""},
		{"and live", devFilter("hello", api.SubscriberLive, second, "remote"), "hello  live in 12 ms  5f83dc06 → 1704ad09"},
		{"it came in another way", devFilter("hello", api.SubscriberLive, second, "inline"), ""},
		{"one is refused", devFilter("hello", api.SubscriberRejected, second, "inline"), ""},
		{"it is disabled", devFilter("hello", api.SubscriberLive, "", "passthrough"), "hello  disabled: requests pass without it"},
		{"it is enabled", devFilter("hello", api.SubscriberLive, second, "remote"), "hello  live in 12 ms  1704ad09"},
		{"nothing is left to serve", devFilter("hello", api.SubscriberLive, "", "deny"), "hello  nothing of it can be served: requests are denied"},
		{"its spec is gone", api.Filter{Name: "hello", State: api.FilterRemoved}, "hello  its spec is gone: Envoy runs without it"},
		{"it is gone", api.Filter{}, ""},
		{"a service, which stands in no listener", api.Filter{Name: "hello", Type: "service", State: api.FilterActive}, ""},
	}
	var r report
	for _, step := range steps {
		v := &view.View{}
		if step.filter.Name != "" {
			v.Filters = append(v.Filters, step.filter)
		}
		var lines []string
		for _, change := range r.look(v) {
			lines = append(lines, change.line(0, devWanted))
		}
		if got := strings.Join(lines, "\n"); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}

func TestDevTroubleIsToldOnce(t *testing.T) {
	broken := &api.Error{Code: "unknown_field", Message: `unknown field "confg"`, Hint: `did you mean "config"?`, File: "hello.yaml", Line: 2, Column: 1}
	refused := api.Filter{Name: "hello", State: api.FilterActive, Error: broken}
	running := api.Filter{Name: "hello", State: api.FilterActive, Error: &api.Error{Code: api.CodePreflightRunning, Message: "soon"}}
	var r report
	for _, step := range []struct {
		name string
		view view.View
		want string // "": no report
	}{
		{"no problem", view.View{}, ""},
		{"the sandbox works", view.View{Filters: []api.Filter{running}}, ""},
		{
			"a broken spec, which the filter tells of, too",
			view.View{Filters: []api.Filter{refused}, Source: api.Source{Errors: []*api.Error{broken}}},
			"hello.yaml:2:1: unknown field \"confg\"\n  hint: did you mean \"config\"?\n",
		},
		{"still", view.View{Filters: []api.Filter{refused}, Source: api.Source{Errors: []*api.Error{broken}}}, ""},
		{"mended", view.View{}, "no problem is left\n"},
		{"still", view.View{}, ""},
		{
			"a service",
			view.View{Filters: []api.Filter{{Name: "hello", Type: "service", State: api.FilterRejected, Error: broken}}},
			"hello.yaml:2:1: unknown field \"confg\"\n  hint: did you mean \"config\"?\n",
		},
	} {
		if got, _ := r.trouble(&step.view, &display.SourceLines{}); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}

// Dev says which services its Envoy does not run.
func TestDevHasNoServices(t *testing.T) {
	if text := aboutServices([]api.Filter{devFilter("hello", api.SubscriberLive, "a", "inline")}); text != "" {
		t.Errorf("without a service: %q", text)
	}
	text := aboutServices([]api.Filter{{Name: "traffic", Type: "service", State: api.FilterActive}, {Name: "gone", Type: "service", State: api.FilterRemoved}})
	if !strings.Contains(text, "runs no services: traffic. ") {
		t.Errorf("with a service: %q", text)
	}
}
