package runner

import (
	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// CompareHTTP lists the differences between an exchange, in the sandbox or in Envoy, and the
// messages that a step of a test expects. It ignores logs, metrics and calls.
func CompareHTTP(s spec.TestStep, upstream, client host.Outcome) []Failure {
	c := &comparison{steps: 1}
	c.outcome("upstream", s.Expect.Upstream, s.Expect.NoUpstream, upstream, "nothing")
	c.outcome("response", s.Expect.Response, s.Expect.NoResponse, client, "nothing")
	return c.failures
}
