// Api_key lets a request pass if a service knows the key in the header "x-api-key". The filter asks
// the service with proxy_http_call, and the request waits meanwhile. A call with net/http cannot
// work: a module in Envoy has no sockets, and may not wait for anything.
package main

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/examples/envoy/src/proxywasm"
)

// main is never called, but the compiler requires a main function.
func main() {}

var _ = proxywasm.Register(func() proxywasm.Plugin { return &plugin{} })

// plugin is one configured filter.
type plugin struct {
	proxywasm.BasePlugin
	cluster string // Envoy's cluster of the service
	path    string // before the key, as in /keys/
}

// timeout is the time for an answer of the service.
const timeout = time.Second

// OnConfigure reads the cluster and the path. After an error, Envoy keeps the previous filter.
func (p *plugin) OnConfigure(configuration []byte) error {
	words := strings.Fields(string(configuration))
	if len(words) != 2 || !strings.HasPrefix(words[1], "/") {
		return errors.New("api_key: the configuration has to be a cluster and a path, as in: keys /keys/")
	}
	p.cluster, p.path = words[0], words[1]
	return nil
}

// NewHTTP makes the context of a request.
func (p *plugin) NewHTTP() proxywasm.HTTP { return &stream{plugin: p} }

// stream is one request.
type stream struct {
	proxywasm.BaseHTTP
	plugin *plugin
}

// OnRequestHeaders asks the service about the key, and pauses the request.
func (s *stream) OnRequestHeaders(int, bool) proxywasm.Action {
	key, err := proxywasm.RequestHeaders.Get("x-api-key")
	if err != nil || key == "" {
		return refuse(401, "An API key is missing.\n")
	}
	call := proxywasm.HTTPRequest{Cluster: s.plugin.cluster, Path: s.plugin.path + url.PathEscape(key), Timeout: timeout}
	if err := proxywasm.HTTPCall(call, s.answered); err != nil {
		proxywasm.Error("api_key: cannot call the cluster " + s.plugin.cluster + ": " + err.Error())
		return refuse(503, "The key cannot be checked.\n")
	}
	return proxywasm.Pause
}

// answered gets the service's answer.
func (s *stream) answered(response proxywasm.HTTPResponse) {
	status := ""
	if !response.Failed() {
		status, _ = proxywasm.CallResponseHeaders.Get(":status") // without one, the answer is unknown
	}
	switch status {
	case "200":
		if err := proxywasm.RequestHeaders.Remove("x-api-key"); err != nil { // the upstream need not know the key
			proxywasm.Error("api_key: cannot remove the key: " + err.Error())
		}
		if err := proxywasm.ContinueRequest(); err != nil {
			proxywasm.Error("api_key: cannot continue the request: " + err.Error())
		}
	case "403", "404":
		refuse(403, "The API key is unknown.\n")
	default:
		refuse(503, "The key cannot be checked.\n")
	}
}

// refuse answers in place of the upstream.
func refuse(status int, body string) proxywasm.Action {
	response := proxywasm.LocalResponse{Status: status, Body: []byte(body), Details: "api_key"}
	if err := proxywasm.SendLocalResponse(response); err != nil {
		panic(err) // the failure policy of the filter decides
	}
	return proxywasm.Pause
}
