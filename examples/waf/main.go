// Waf is a web application firewall: OWASP Coraza as a filter for Envoy. The configuration has the
// rules, which see requests, and no responses.
package main

import (
	"fmt"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/types"

	"github.com/wasm-xds/wasm-xds/examples/envoy/src/proxywasm"
)

// main is never called, but the compiler requires a main function.
func main() {}

var _ = proxywasm.Register(func() proxywasm.Plugin { return &plugin{} })

// plugin is one configured firewall.
type plugin struct {
	proxywasm.BasePlugin
	waf coraza.WAF
}

// OnConfigure reads the rules. After an error, Envoy keeps the previous rules.
func (p *plugin) OnConfigure(configuration []byte) (err error) {
	config := coraza.NewWAFConfig().WithDirectives(string(configuration)).WithErrorCallback(func(rule types.MatchedRule) {
		proxywasm.Warn("waf: " + rule.ErrorLog())
	})
	if p.waf, err = coraza.NewWAF(config); err != nil {
		return fmt.Errorf("waf: %w", err)
	}
	return nil
}

// NewHTTP makes the context of a request.
func (p *plugin) NewHTTP() proxywasm.HTTP { return &stream{tx: p.waf.NewTransaction()} }

// stream is one request with its response.
type stream struct {
	proxywasm.BaseHTTP
	tx types.Transaction
	// seen is the number of bytes of the body that the firewall has seen.
	seen int
}

// OnRequestHeaders runs the rules of phase 1. A request without a body runs those of phase 2, too.
func (s *stream) OnRequestHeaders(_ int, endOfStream bool) proxywasm.Action {
	headers, err := proxywasm.RequestHeaders.All()
	if err != nil {
		return refuse(&types.Interruption{Status: 500})
	}
	pseudo := map[string]string{}
	for _, h := range headers {
		if h.Name[0] == ':' {
			pseudo[h.Name] = h.Value
			continue
		}
		s.tx.AddRequestHeader(h.Name, h.Value)
	}
	s.tx.AddRequestHeader("Host", pseudo[":authority"])
	s.tx.SetServerName(pseudo[":authority"])
	s.tx.ProcessURI(pseudo[":path"], pseudo[":method"], "HTTP/1.1")
	if found := s.tx.ProcessRequestHeaders(); found != nil {
		return refuse(found)
	}
	switch {
	case endOfStream:
		return s.endOfRequest()
	case s.tx.IsRequestBodyAccessible():
		return proxywasm.Pause // until the end of the body; see allowOnHeadersStopIteration in waf.yaml
	default:
		return proxywasm.Continue
	}
}

// OnRequestBody holds the body back until the rules of phase 2 have passed it.
func (s *stream) OnRequestBody(size int, endOfStream bool) proxywasm.Action {
	if !s.tx.IsRequestBodyAccessible() {
		return proxywasm.Continue
	}
	piece, err := proxywasm.RequestBody.Read(s.seen, size-s.seen)
	if err != nil {
		return refuse(&types.Interruption{Status: 500})
	}
	s.seen += len(piece)
	if found, _, err := s.tx.WriteRequestBody(piece); found != nil || err != nil {
		return refuse(found)
	}
	if !endOfStream {
		return proxywasm.Pause
	}
	return s.endOfRequest()
}

// OnRequestTrailers ends the body.
func (s *stream) OnRequestTrailers(int) proxywasm.Action { return s.endOfRequest() }

func (s *stream) endOfRequest() proxywasm.Action {
	if found, err := s.tx.ProcessRequestBody(); found != nil || err != nil {
		return refuse(found)
	}
	return proxywasm.Continue
}

// OnLog ends the transaction.
func (s *stream) OnLog() { s.tx.ProcessLogging() }

// OnDelete frees the transaction.
func (s *stream) OnDelete() {
	if err := s.tx.Close(); err != nil {
		proxywasm.Error("waf: cannot close a transaction: " + err.Error())
	}
}

// refuse answers in place of the upstream. nil: the firewall itself has failed.
func refuse(found *types.Interruption) proxywasm.Action {
	status := 500
	if found != nil && found.Status != 0 {
		status = found.Status
	}
	response := proxywasm.LocalResponse{Status: status, Body: []byte("Access forbidden.\n"), Details: "waf"}
	if err := proxywasm.SendLocalResponse(response); err != nil {
		panic(err) // the failure policy of the filter decides
	}
	return proxywasm.Pause
}
