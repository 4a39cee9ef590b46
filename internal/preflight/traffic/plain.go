package traffic

import (
	"strconv"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Plain is the traffic for a filter without tests: a usual request or connection with Envoy's own
// additions, and a response.
func Plain(t spec.Type) spec.Test {
	const text = "hello\n"
	if t == spec.Service {
		step := spec.TestStep{Service: &spec.TestService{Ticks: 1}}
		return spec.Test{Name: "a tick", Steps: []spec.TestStep{step}}
	}
	if t == spec.Network {
		step := spec.TestStep{Connection: &spec.TestConnection{Downstream: []string{text}, Upstream: []string{text}}}
		return spec.Test{Name: "a connection", Steps: []spec.TestStep{step}}
	}
	header := func(name, value string) spec.TestHeader {
		return spec.TestHeader{Name: name, Values: []string{value}}
	}
	step := spec.TestStep{HTTP: &spec.TestHTTP{
		Request: spec.TestMessage{Method: "GET", Path: "/", Headers: []spec.TestHeader{
			header("user-agent", "wasm-xds"), header("accept", "*/*"), header("x-forwarded-proto", "http"),
			header("x-request-id", "7b5d3c1e-0f6a-4d2b-9c88-2f1e4a6b8d00"),
		}},
		Upstream: spec.TestMessage{Status: 200, Body: []string{text}, Headers: []spec.TestHeader{
			header("content-type", "text/plain"), header("content-length", strconv.Itoa(len(text))),
			header("date", "Thu, 01 Jan 2026 00:00:00 GMT"), header("server", "upstream"), header("x-envoy-upstream-service-time", "1"),
		}},
	}}
	return spec.Test{Name: "GET /", Steps: []spec.TestStep{step}}
}
