// Hello is an HTTP filter that adds the response header "hello". The header's value is the filter's
// configuration. The standard Go compiler builds the filter:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o hello.wasm .
package main

import (
	"errors"
	"strings"

	"github.com/wasm-xds/wasm-xds/examples/envoy/src/proxywasm"
)

// main is never called, but the compiler requires a main function.
func main() {}

var _ = proxywasm.Register(func() proxywasm.Plugin { return &hello{} })

// hello is one configured filter. Envoy may run several in one VM.
type hello struct {
	proxywasm.BasePlugin
	greeting string
}

// OnConfigure takes the greeting. After an error, Envoy refuses the update and keeps the previous
// configuration.
func (h *hello) OnConfigure(configuration []byte) error {
	h.greeting = string(configuration)
	if h.greeting == "" || strings.ContainsFunc(h.greeting, isControl) {
		return errors.New("hello: the configuration has to be one line of text, the greeting")
	}
	return nil
}

// NewHTTP makes the context of a request.
func (h *hello) NewHTTP() proxywasm.HTTP { return &stream{hello: h} }

// stream is one request with its response.
type stream struct {
	proxywasm.BaseHTTP
	hello *hello
}

// OnResponseHeaders adds the greeting.
func (s *stream) OnResponseHeaders(int, bool) proxywasm.Action {
	if err := proxywasm.ResponseHeaders.Replace("hello", s.hello.greeting); err != nil {
		proxywasm.Error("hello: cannot set the header: " + err.Error())
	}
	return proxywasm.Continue
}

// isControl reports whether a character is invalid in a header's value.
func isControl(r rune) bool { return r < ' ' || r == 0x7f }
