// Package admin shows what the control plane does: the JSON API (version 1), the
// metrics, the health checks and the web page. It owns no state: [State] is what
// it asks, and [Metrics] is what it is told.
//
// Plugin configuration has no field here, so that it cannot reach the API.
package admin
