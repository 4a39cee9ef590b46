package admin

import (
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

const openAPIPath = apiRoot + "openapi.json"

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
		{Endpoint: api.Endpoint{Method: post, Path: one + rollbackTail, Summary: "serve an earlier revision"}, body: api.RevisionBody{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + retryTail, Summary: "try a refused revision again"}, body: api.RevisionBody{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + promoteTail, Summary: "go on with a rollout that waits for its canaries"}, body: struct{}{}, answer: api.Filter{}},
		{Endpoint: api.Endpoint{Method: post, Path: one + forgetTail, Summary: "drop a filter whose spec is gone and that no Envoy asks for"}, body: struct{}{}, answer: api.Forgotten{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "nodes", Summary: "the Envoys' streams, with what each asks for"}, parameters: nodeParameters, answer: []api.Node{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "snapshot", Summary: "what is served"}, answer: api.Snapshot{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "source", Summary: "where the specs come from, and their problems"}, answer: api.Source{}},
		{
			Endpoint: api.Endpoint{Method: post, Path: apiRoot + "sync", Summary: "read the specs now, and wait for what that leads to"},
			words:    map[string]string{"timeout": "how long that may take: a Go duration of up to 10m, 30s by default"}, answer: api.Sync{},
		},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "visitors", Summary: "hosts that spoke another protocol than the port does"}, answer: []api.Visitor{}},
		{Endpoint: api.Endpoint{Method: get, Path: apiRoot + "limits", Summary: "the limits that streams were ended for"}, answer: []api.Limit{}},
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

// endpoint is an endpoint with the types of its parameters, its body and its answer.
type endpoint struct {
	api.Endpoint
	parameters parameters
	words      map[string]string // descriptions of further parameters
	body       any               // nil: none
	answer     any               // nil: the answer is not JSON
}

// object is a JSON object of the document.
type object = map[string]any

// openAPI is the API as an OpenAPI 3.1 document, made from the types of the answers.
func openAPI(version string) any {
	s := schemas{}
	paths := map[string]object{}
	failure := object{"description": "an error", "content": jsonOf(object{
		"type": "object", "required": []string{"error"}, "properties": object{"error": s.of(reflect.TypeFor[api.Error]())},
	})}
	for _, e := range endpoints() {
		operation := object{"summary": e.Summary, "responses": object{"200": e.success(s), "default": failure}}
		if parameters := e.documented(); len(parameters) > 0 {
			operation["parameters"] = parameters
		}
		if e.body != nil {
			operation["requestBody"] = object{"content": jsonOf(s.of(reflect.TypeOf(e.body)))}
		}
		if paths[e.Path] == nil {
			paths[e.Path] = object{}
		}
		paths[e.Path][strings.ToLower(e.Method)] = operation
	}
	s.of(reflect.TypeFor[api.Event]())
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "wasm-xds", "version": version,
			"description": "The admin API, version 1. Fields and words may be added; none is taken away or changes its meaning.",
		},
		"paths":      paths,
		"components": object{"schemas": s},
	}
}

func jsonOf(schema any) object { return object{"application/json": object{"schema": schema}} }

func (e endpoint) success(s schemas) object {
	switch {
	case e.answer != nil:
		return object{"description": "it is done", "content": jsonOf(s.of(reflect.TypeOf(e.answer)))}
	case e.Path == openAPIPath:
		return object{"description": "it is done", "content": jsonOf(object{"type": "object"})}
	default:
		return object{"description": "it is done", "content": object{"text/event-stream": object{"schema": object{"type": "string"}}}}
	}
}

// documented are the parameters of the path and of the query, in a fixed order.
func (e endpoint) documented() []object {
	var all []object
	text := object{"type": "string"}
	if strings.Contains(e.Path, "{name}") {
		all = append(all, object{"name": "name", "in": "path", "required": true, "schema": text})
	}
	for _, name := range slices.Sorted(keysOf(e.parameters)) {
		one := object{"name": name, "in": "query", "schema": text, "description": "one of these, separated by commas"}
		if words := e.parameters[name]; words != nil {
			one["description"] = "one of these, separated by commas: " + strings.Join(words, ", ")
		}
		all = append(all, one)
	}
	for _, name := range slices.Sorted(keysOf(e.words)) {
		all = append(all, object{"name": name, "in": "query", "schema": text, "description": e.words[name]})
	}
	return all
}

func keysOf[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// schemas are those of the API's structs, by name.
type schemas map[string]any

// of is the schema of a type. The schema of a named struct refers to the components.
func (s schemas) of(t reflect.Type) any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return object{"oneOf": []any{s.of(t.Elem()), object{"type": "null"}}}
	case t.Kind() == reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case t.Kind() == reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case t.Kind() == reflect.Struct && token(t) == "":
		return s.object(t)
	case t.Kind() == reflect.Struct:
		if _, known := s[token(t)]; !known {
			s[token(t)] = nil // for a type that contains itself
			s[token(t)] = s.object(t)
		}
		return object{"$ref": "#/components/schemas/" + token(t)}
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return object{"type": "integer"}
	case t.Kind() == reflect.Float64:
		return object{"type": "number"}
	default:
		panic(fmt.Sprintf("the API has a %s, which has no schema", t)) // a test makes the document
	}
}

func token(t reflect.Type) string {
	if t.Name() == "" {
		return ""
	}
	return strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
}

// object is the schema of a struct, as encoding/json writes it.
func (s schemas) object(t reflect.Type) object {
	properties, required := object{}, []string{}
	var add func(reflect.Type)
	add = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case f.Anonymous && name == "":
				add(f.Type)
				continue
			case !f.IsExported() || name == "-" || name == "":
				continue
			}
			properties[name] = s.of(f.Type)
			if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
				required = append(required, name)
			}
		}
	}
	add(t)
	out := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
