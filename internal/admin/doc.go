// Package admin serves the admin address: the JSON API (version 1), the health checks and the web
// page, and /metrics with a handler from outside. The package owns no state: the handlers read a
// [State], which internal/control implements. The types of the answers are in internal/api.
//
// A request goes down these layers, from the top; a file uses only files of lower layers:
//
//	handler.go                 all paths; [Handler] is the entry
//	filter.go                  the requests below /filters/
//	changes.go, access.go, openapi.go
//	                           the changes, the check of tokens, and the OpenAPI document
//	audit.go, lists.go, sync.go, events.go, endpoints.go, read.go, guard.go, page.go
//	                           the log of changes, one kind of request each, the table of all
//	                           endpoints, and the refusal of other sites' pages
//	caller.go, write.go, request.go, query.go, complete.go, schema.go, paths.go, state.go, serve.go
//	                           who asks, how answers are written and requests are read
//
// Each request has its goroutine. The handlers share only the State and the places for clients of
// the event stream.
//
// The files of the web page are in the directory page, and page.go serves them. app.js is the
// entry; store.js has the answers of the API, vdom.js draws, and each view has a file.
//
// The API has no field for the values of plugin configuration, so no configuration leaks.
package admin
