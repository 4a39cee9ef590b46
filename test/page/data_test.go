package page_test

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

const (
	before = "5f83dc06bbf6"
	newer  = "1704ad09aaaa"
	second = time.Second
	minute = time.Minute
	hour   = time.Hour
)

func ago(d time.Duration) time.Time { return time.Now().Add(-d) }

func subscriber(node string, state api.SubscriberState, revision string) api.Subscriber {
	return api.Subscriber{
		Node: node, Cluster: "edge", Address: "10.0.0." + node[len(node)-1:] + ":41822", Stream: node, Envoy: "1.40.0", State: state,
		Revision: revision, Variant: "remote", Since: ago(3 * hour),
	}
}

func filter(name string, subscribers ...api.Subscriber) api.Filter {
	return api.Filter{
		Name: name, Type: "http", State: api.FilterActive, Revision: before, Stable: before, Delivery: "remote",
		Module: api.Module{SHA256: strings.Repeat("ab", 32), Size: 86154}, OnRemove: "keep",
		SpecFile: "/etc/wasm-xds/filters/" + name + ".yaml", Subscribers: subscribers,
	}
}

func broken(name string) *api.Error {
	return &api.Error{
		Code: "unknown_field", Message: `unknown field "confg"`, Hint: `did you mean "config"?`,
		File: "/etc/wasm-xds/filters/" + name + ".yaml", Line: 8, Column: 1,
	}
}

// soaking is a filter in the soak of the second wave, with a look at the health.
func soaking(name string) api.Filter {
	f := filter(name)
	for i := range 10 {
		s := subscriber(fmt.Sprintf("edge-%d", i), api.SubscriberLive, before)
		if i < 3 {
			s.Revision, s.Since = newer, ago(2*minute)
		}
		f.Subscribers = append(f.Subscribers, s)
	}
	f.Candidate, f.Canaries = newer, []string{"edge-0"}
	f.RolloutStatus = &api.RolloutStatus{
		Revision: newer, State: api.RolloutSoaking, Wave: 1, Deadline: ago(-8 * minute),
		Waves: []api.RolloutWave{
			{Name: "canary", Envoys: 1, Live: 1, State: api.WavePassed, Since: ago(4 * minute), PassedAt: ago(2 * minute)},
			{Name: "30%", Envoys: 3, Live: 3, State: api.WaveSoaking, Since: ago(2 * minute), SoakUntil: ago(-18 * minute)},
			{Name: "all", Envoys: 10, Live: 3, State: api.WaveWaiting},
		},
		Health: &api.RolloutHealth{
			Outcome: api.HealthGood, At: ago(5 * second), Message: "The canaries are as well as the Envoys that run the stable revision.",
			Comparisons: []api.HealthComparison{
				{Name: "traps", Limit: 0, Outcome: api.HealthGood},
				{Name: "5xx", Canary: 0.21, Stable: 0.19, Unit: "%", Limit: 1.2, Outcome: api.HealthGood},
				{Name: "p99", Canary: 41.2, Stable: 38.9, Unit: "ms", Limit: 58, Outcome: api.HealthGood},
				{Name: "metric:auth_denied", Canary: 2.1, Unit: "%", Limit: 5, Outcome: api.HealthNoEvidence, Message: "84 requests so far, and 100 are needed"},
			},
		},
	}
	return f
}

// refused is a filter that two Envoys refuse.
func refused(name string) api.Filter {
	problem := &api.Error{
		Code: "rejected_by_envoy", Message: "Envoy 1.37.0 refuses revision 1704ad09aaaa: the module imports proxy_get_clock, which this Envoy does not have",
		Hint: "build the module for ABI 0.2.1, or raise the Envoys to 1.39, and then `wasm-xds retry " + name + "`", File: "/etc/wasm-xds/filters/" + name + ".yaml", Line: 4, Column: 3,
	}
	bad := subscriber("edge-1", api.SubscriberRejected, before)
	bad.Envoy, bad.Error = "1.37.0", problem
	worse := subscriber("edge-2", api.SubscriberRejected, before)
	worse.Envoy, worse.Error = "1.37.0", problem
	f := filter(name, subscriber("edge-3", api.SubscriberLive, before), bad, worse)
	f.Error, f.Rejected = problem, []string{newer}
	f.RolloutStatus = &api.RolloutStatus{Revision: newer, State: api.RolloutStopped}
	return f
}

func history(name string) api.History {
	h := api.History{Name: name, Rollback: "000000abc000", Revisions: []api.Revision{
		{Revision: newer, State: api.RevisionCandidate, Wanted: true, Since: ago(4 * minute), Changes: []string{"config.realm", "module.sha256"}, SpecFile: "/etc/wasm-xds/filters/auth.yaml"},
		{Revision: before, State: api.RevisionActive, Since: ago(26 * hour), ServedSeconds: 93600, Changes: []string{"config.paths"}, SpecFile: "/etc/wasm-xds/filters/auth.yaml"},
		{Revision: "77aa01bc9912", State: api.RevisionRejected, Since: ago(30 * hour), Error: &api.Error{Code: "rejected_by_envoy", Message: "Envoy 1.37.0 cannot run it: the module has no root context auth_v2", Hint: "set rootId to auth"}},
	}}
	for i := range 9 {
		h.Revisions = append(h.Revisions, api.Revision{Revision: fmt.Sprintf("%012x", 0xabc000+i), State: api.RevisionEarlier, Since: ago(time.Duration(40+20*i) * hour), ServedSeconds: 3600 * int64(i+1), Changes: []string{"config.realm"}})
	}
	for i := range h.Revisions {
		h.Revisions[i].Module = api.Module{SHA256: strings.Repeat("ab", 32), Size: 86154}
	}
	return h
}

// figures are made-up points of 15 minutes.
func figures(name string) api.FilterFigures {
	side := func(revision string, requests, errors, p99 float64) api.FiguresSide {
		s := api.FiguresSide{Revision: revision, Envoys: 3, Reporting: 3}
		for i := range 90 {
			wave := 1 + .25*math.Sin(float64(i)/7) + .1*math.Sin(float64(i)*1.7)
			s.Points = append(s.Points, api.FiguresPoint{
				At: ago(time.Duration(90-i) * 10 * second), Requests: uint64(requests * wave), Errors: uint64(errors * wave), Denials: uint64(3 * wave),
				P50: p99 / 4 * wave, P99: p99 * wave,
			})
		}
		return s
	}
	f := api.FilterFigures{Name: name, Seconds: 10, Canary: side(newer, 1200, 3, 41), Stable: side(before, 2700, 5, 38)}
	f.Canary.Points = f.Canary.Points[40:]
	return f
}

// content is made-up content.
func content(name string) api.Content {
	return api.Content{
		Name: name, Revision: before, SpecFile: "/etc/wasm-xds/filters/" + name + ".yaml", Envoy: "1.40.0", Variant: "remote",
		Settings: []string{"type: http", "module.sha256: " + strings.Repeat("ab", 32), "config.realm: …", "config.key: …", "failurePolicy: closed", "delivery: remote", "rollout.canary: 1"},
		Resource: map[string]any{"name": name, "typed_config": map[string]any{
			"@type":  "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
			"config": map[string]any{"name": name, "configuration": map[string]any{"@type": "type.googleapis.com/google.protobuf.StringValue", "value": `{"key":"…","realm":"…"}`}, "failure_policy": "FAIL_CLOSED"},
		}},
		Tests: []api.TestResult{{Name: "lets a good token in", Outcome: api.TestPassed}, {Name: "denies a wrong token", Outcome: api.TestPassed}, {
			Name: "survives an empty token", Outcome: api.TestFailed, Error: &api.Error{Code: "test_failed", Message: `test "survives an empty token" failed: status is 500, want 401`, File: "/etc/wasm-xds/filters/auth.yaml", Line: 31},
		}},
	}
}

func node(id string, filters ...api.NodeFilter) api.Node {
	return api.Node{ID: id, Cluster: "edge", Address: "10.0.0." + id[len(id)-1:] + ":41822", Envoy: "1.40.0", Stream: id, Mode: "ads-delta", State: api.NodeConnected, Since: ago(5 * hour), Filters: filters}
}

// everything is a world in which each part of the page has something to show.
func everything() *world {
	unused := filter("unused")
	unused.Stable = ""
	left := filter("geo/headers", subscriber("edge-4", api.SubscriberGone, before))
	removed := filter("old-cors", subscriber("edge-5", api.SubscriberGone, before))
	removed.State, removed.SpecFile, removed.IdleSince, removed.ForgetAt = api.FilterRemoved, "", ago(hour), ago(-23*hour)
	rolledBack := filter("limits", subscriber("edge-1", api.SubscriberLive, before), subscriber("edge-2", api.SubscriberLive, before))
	rolledBack.Error = &api.Error{Code: api.CodeRolledBack, Message: "rolled back: revision " + newer + " of the spec is not served", Hint: "an edit of the spec ends the rollback"}
	paused := soaking("tracing")
	paused.RolloutStatus.State, paused.RolloutStatus.Health, paused.RolloutStatus.Paused = api.RolloutPaused, nil, &api.RolloutHold{By: "deploy", At: ago(3 * minute), Reason: "a look at the dashboards first"}
	paused.RolloutStatus.Waves[1].State = api.WavePaused
	bad := node("edge-2", api.NodeFilter{Name: "waf", State: api.SubscriberRejected, Revision: before, Variant: "remote", Error: refused("waf").Error})
	bad.Identity, bad.Envoy = "spiffe://prod/edge/two", "1.37.0"
	gone := node("edge-4")
	gone.State, gone.Filters = api.NodeGone, []api.NodeFilter{{Name: "geo/headers", State: api.SubscriberGone, Revision: before}}
	return &world{
		filters: []api.Filter{soaking("auth"), left, rolledBack, removed, filter("robots.txt", subscriber("edge-1", api.SubscriberLive, before)), paused, refused("waf"), unused},
		source:  api.Source{Directory: "/etc/wasm-xds/filters", State: api.SourceOK, Since: ago(hour), Errors: []*api.Error{broken("bot-guard")}},
		nodes: []api.Node{
			node("edge-1", api.NodeFilter{Name: "auth", State: api.SubscriberLive, Revision: newer, Variant: "remote"}, api.NodeFilter{Name: "limits", State: api.SubscriberLive, Revision: before, Variant: "remote"}, api.NodeFilter{Name: "robots.txt", State: api.SubscriberLive, Revision: before, Variant: "inline"}),
			bad, node("edge-3"), gone,
		},
		histories: map[string]api.History{"auth": history("auth"), "waf": history("waf"), "limits": history("limits")},
		figures:   map[string]api.FilterFigures{"auth": figures("auth")},
		contents:  map[string]api.Content{"auth": content("auth")},
	}
}
