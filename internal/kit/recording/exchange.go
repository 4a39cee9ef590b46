// Package recording makes tests of a spec from the output of tap filters of Envoy around a Wasm
// filter. The package is pure: the caller reads the taps and the clock, and writes the tests.
//
// One tap stands before the filter, and two stand after it. A segment does not name its tap, but
// the two taps after the filter write each segment twice, one right after the other.
//
//   - exchange.go is a request with its response, on both sides of the filter
//   - segment.go reads the segments of the taps
//   - streams.go joins the segments of a stream to an [Exchange]
//   - places.go finds the tap of each chunk of a body
//   - masking.go and fields.go remove secrets
//   - tests.go and headers.go make the tests, without duplicates
//   - config.go finds the taps in Envoy's configuration
package recording

import "slices"

// ConfigID is the config_id of the tap filters.
const ConfigID = "wasm-xds"

// Header is a header or a trailer. The name is in lower case.
type Header struct{ Name, Value string }

// Headers are the headers or the trailers of a message.
type Headers []Header

// Get is the first value of a header; "": none.
func (h Headers) Get(name string) string {
	i := slices.IndexFunc(h, func(h Header) bool { return h.Name == name })
	if i < 0 {
		return ""
	}
	return h[i].Value
}

// Message is a request or a response at one side of the filter.
type Message struct {
	Headers  Headers
	Body     string // "": none, or not known
	Trailers Headers
}

// Exchange is a request with its response, on both sides of the filter.
type Exchange struct {
	Request  Message  // from the client
	Upstream *Message // as the request left the filter; nil: the filter answered by itself
	Response *Message // from the upstream; nil: the filter answered by itself
	Client   Message  // as the response left the filter
	// NoBodies says why the bodies are missing; "": they are not missing.
	NoBodies Gap
}

// Gap is the reason for a missing body.
type Gap string

// The gaps.
const (
	GapLarge  Gap = "large"  // a body has more than MostBody bytes, or too many chunks
	GapBinary Gap = "binary" // a body is no text, or is compressed: its secrets cannot be masked
	GapMixed  Gap = "mixed"  // the taps of the chunks are not certain
)

// MostBody is the size of the largest recorded body, in bytes.
const MostBody = 16 << 10

// messages are all messages of an exchange.
func (e *Exchange) messages() []*Message {
	all := []*Message{&e.Request, &e.Client}
	for _, m := range []*Message{e.Upstream, e.Response} {
		if m != nil {
			all = append(all, m)
		}
	}
	return all
}

// withoutBodies removes the bodies for a reason.
func (e *Exchange) withoutBodies(why Gap) {
	e.NoBodies = why
	for _, m := range e.messages() {
		m.Body = ""
	}
}
