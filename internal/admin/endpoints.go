package admin

import (
	"net/http"
	"runtime"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// endpoint is an endpoint with the types of the parameters, the body and the answer.
type endpoint struct {
	api.Endpoint
	parameters parameters
	words      map[string]string // descriptions of further parameters
	body       any               // nil: none
	answer     any               // nil: the answer is not JSON
}

// endpoints are all endpoints of the API.
func endpoints() []endpoint {
	const one = filtersRoot + "{name}"
	get, post := http.MethodGet, http.MethodPost
	return []endpoint{
		{Endpoint: api.Endpoint{Method: get, Path: "/api/v1", Summary: "this list"}, answer: api.Index{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "version", Summary: "which server answers"}, answer: api.About{}},
		{Endpoint: api.Endpoint{Method: get, Path: openAPIPath, Summary: "this API as an OpenAPI document"}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "filters", Summary: "all filters, sorted by name"}, parameters: filterParameters, answer: []api.Filter{}},
		{Endpoint: api.Endpoint{Method: get, Path: one, Summary: "one filter"}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: get, Path: one + historyTail, Summary: "the revisions of a filter that are kept"}, answer: api.History{}},
		{Endpoint: api.Endpoint{Method: get, Path: one + contentTail, Summary: "the settings, the resource and the tests of a filter, without secrets"}, answer: api.Content{}},
		{
			Endpoint: api.Endpoint{Method: get, Path: one + diffTail, Summary: "the difference between two revisions of a filter"},
			words: map[string]string{
				"from": "a revision, or its first digits; by default the one before `to`",
				"to":   "a revision, or its first digits; by default the one that is rolling out, or else the last one",
			},
			answer: api.Diff{},
		},
		{Endpoint: api.Endpoint{Method: get, Path: one + figuresTail, Summary: "requests, errors and times of the Envoys with a filter, in the last 15 minutes"}, answer: api.FilterFigures{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + rollbackTail, Summary: "serve an earlier revision"}, body: api.RollbackBody{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + unpinTail, Summary: "end a rollback"}, body: struct{}{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + retryTail, Summary: "try a refused revision again"}, body: api.RevisionBody{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + promoteTail, Summary: "the same as rollout/promote"}, body: struct{}{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + steerTail + "promote", Summary: "go on with a rollout that waits, and skip the soak of its wave"}, body: struct{}{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + steerTail + "pause", Summary: "hold a rollout: no further Envoy gets the revision"}, body: api.HoldBody{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + steerTail + "resume", Summary: "go on with a paused rollout"}, body: struct{}{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + steerTail + "abort", Summary: "stop a rollout: all Envoys get the stable revision"}, body: api.HoldBody{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + forgetTail, Summary: "drop a filter whose spec is gone and that no Envoy asks for"}, body: struct{}{}, answer: api.Forgotten{}},
		{Endpoint: api.Endpoint{Method: get, Path: freezePath, Summary: "the freeze of the server"}, answer: api.Freeze{}},
		{Endpoint: api.Endpoint{Method: post, Path: freezePath, Summary: "freeze the server: no revision goes to further Envoys, except those that all ran before"}, body: api.FreezeBody{}, answer: api.Freeze{}},
		{Endpoint: api.Endpoint{Method: http.MethodDelete, Path: freezePath, Summary: "end the freeze"}, answer: api.Freeze{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "nodes", Summary: "the Envoys' streams, with what each asks for"}, parameters: nodeParameters, answer: []api.Node{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "replicas", Summary: "the control planes of the fleet"}, answer: []api.Replica{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "snapshot", Summary: "what is served"}, answer: api.Snapshot{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "source", Summary: "where the specs come from, and their problems"}, answer: api.Source{}},
		{
			Endpoint: api.Endpoint{Method: post, Path: apiRoot + "sync", Summary: "read the specs now, and wait for what that leads to"},
			words:    map[string]string{"timeout": "how long that may take: a Go duration of up to 10m, 30s by default"}, answer: api.Sync{},
		},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "visitors", Summary: "hosts that spoke another protocol than the port does"}, answer: []api.Visitor{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "limits", Summary: "the limits that streams were ended for"}, answer: []api.Limit{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "certificates", Summary: "the certificates of the ports that speak TLS"}, answer: []api.Certificate{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "webhooks", Summary: "the receivers of messages about notable events"}, answer: []api.Webhook{}},
		{Endpoint: api.Endpoint{Method: post, Path: webhookTest, Summary: "send a test message to the webhooks, and wait for the outcomes"}, body: api.WebhookTestBody{}, answer: []api.WebhookTest{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "identity", Summary: "how Envoys are bound to their certificates, and the claims that were refused"}, answer: api.Identity{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "tokens", Summary: "whether the newest file of the API's tokens is used"}, answer: api.Tokens{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "events", Summary: "what changes, as server-sent events with Event as their data"}, parameters: eventParameters},
	}
}

func about(version string) api.About {
	return api.About{Version: version, API: "v1", Go: runtime.Version()}
}

func indexOf(version string) api.Index {
	index := api.Index{About: about(version), OpenAPI: openAPIPath}
	for _, e := range endpoints() {
		index.Endpoints = append(index.Endpoints, e.Endpoint)
	}
	return index
}
