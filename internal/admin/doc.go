// Package admin shows the state of the control plane: the JSON API (version 1), the metrics, the
// health checks and the web page. It owns no state: the handlers read [State], and the control
// plane reports events to [Metrics].
//
// The API has no field for plugin configuration, so that no configuration leaks.
package admin
