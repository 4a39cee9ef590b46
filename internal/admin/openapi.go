package admin

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// openAPI is the API as an OpenAPI 3.1 document, made from the types of the answers.
func openAPI(version string) any {
	s := schemas{}
	paths := map[string]object{}
	failure := object{"description": "an error", "content": jsonOf(object{
		"type": "object", "required": []string{"error"}, "properties": object{"error": s.of(reflect.TypeFor[api.Error]())},
	})}
	for _, e := range endpoints() {
		operation := object{"summary": e.Summary, "responses": object{"200": success(e, s), "default": failure}}
		if parameters := documented(e); len(parameters) > 0 {
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
	message := object{"summary": "a notable event, sent to each --webhook", "requestBody": object{"content": jsonOf(s.of(reflect.TypeFor[api.WebhookMessage]()))}}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "wasm-xds", "version": version,
			"description": "The admin API, version 1. Fields and words may be added; none is taken away or changes its meaning.",
		},
		"paths":      paths,
		"webhooks":   object{"event": object{"post": message}},
		"components": object{"schemas": s},
	}
}

func jsonOf(schema any) object { return object{"application/json": object{"schema": schema}} }

// success is the schema of the answer with status 200.
func success(e endpoint, s schemas) object {
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
func documented(e endpoint) []object {
	var all []object
	text := object{"type": "string"}
	if strings.Contains(e.Path, "{name}") {
		all = append(all, object{"name": "name", "in": "path", "required": true, "schema": text})
	}
	for _, name := range slices.Sorted(maps.Keys(e.parameters)) {
		one := object{"name": name, "in": "query", "schema": text, "description": "one of these, separated by commas"}
		if words := e.parameters[name]; words != nil {
			one["description"] = "one of these, separated by commas: " + strings.Join(words, ", ")
		}
		all = append(all, one)
	}
	for _, name := range slices.Sorted(maps.Keys(e.words)) {
		all = append(all, object{"name": name, "in": "query", "schema": text, "description": e.words[name]})
	}
	return all
}
