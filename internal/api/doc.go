// Package api has the types of the admin API, version 1: the answers, the bodies of requests, the
// words of each enumeration, and the errors with their codes. The server (internal/admin), the
// control (internal/control) and the command line (internal/cli) share these types.
//
// The package is a leaf: it knows neither HTTP nor Prometheus, and it starts nothing. The JSON
// tags are the wire format. docs/openapi.json is made from the types. A field or a word may be
// added; none is renamed or removed.
//
// Values of these types are copies. A caller may change a value that it has received.
//
// See docs/RATIONALE.md#why-are-the-apis-types-a-package-without-http.
package api
