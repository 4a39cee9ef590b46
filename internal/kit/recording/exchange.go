// Package recording makes tests of a spec from the output of two tap filters of Envoy around a Wasm
// filter. The package is pure: the caller reads the taps, and writes the tests.
//
//   - exchange.go joins the segments of the taps to an [Exchange]
//   - masking.go removes secrets
//   - tests.go makes the tests, without duplicates
//   - config.go finds the taps in Envoy's configuration
package recording

import (
	"encoding/json"
	"slices"
	"strings"
)

// ConfigID is the config_id of both tap filters.
const ConfigID = "wasm-xds"

// Header is a header of a message.
type Header struct{ Name, Value string }

// Message has the headers of a request or a response.
type Message []Header

// Get is the first value of a header; "": none.
func (m Message) Get(name string) string {
	i := slices.IndexFunc(m, func(h Header) bool { return h.Name == name })
	if i < 0 {
		return ""
	}
	return m[i].Value
}

// Exchange is a request with its response, on both sides of the filter.
type Exchange struct {
	Request  Message // from the client
	Upstream Message // as the request left the filter; nil: the filter answered by itself
	Response Message // from the upstream; nil: the filter answered by itself
	Client   Message // as the response left the filter
	HasBody  bool    // of the request: bodies are not recorded
}

// Segments joins the segments of streams. The zero value is ready.
type Segments struct{ open map[string]*stream }

type stream struct {
	requests, responses []Message
	body                bool
}

// mostOpen bounds the memory for streams without an end.
const mostOpen = 1000

// segment is a segment in the JSON form of Envoy's taps. Headers are written at once, so a segment
// shows them as they are at that place in the chain.
type segment struct {
	Segment struct {
		TraceID         string          `json:"trace_id"`
		RequestHeaders  *headers        `json:"request_headers"`
		ResponseHeaders *headers        `json:"response_headers"`
		RequestBody     json.RawMessage `json:"request_body_chunk"`
	} `json:"http_streamed_trace_segment"`
}

type headers struct {
	Headers []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
		Raw   []byte `json:"raw_value"`
	} `json:"headers"`
}

func (h *headers) message() Message {
	m := Message{}
	for _, one := range h.Headers {
		value := one.Value
		if value == "" {
			value = string(one.Raw)
		}
		m = append(m, Header{strings.ToLower(one.Key), value})
	}
	return m
}

// Take takes the next segment, and returns the exchange that it completes. ok is false while none
// is complete.
//
// Requests pass the tap before the filter first, and responses pass it last. A response of the
// filter itself passes both taps, too.
func (s *Segments) Take(text []byte) (e Exchange, ok bool, err error) {
	var one segment
	if err := json.Unmarshal(text, &one); err != nil {
		return e, false, err
	}
	if s.open == nil {
		s.open = map[string]*stream{}
	}
	id := one.Segment.TraceID
	if id == "" {
		return e, false, nil
	}
	open := s.open[id]
	if open == nil {
		if one.Segment.RequestHeaders == nil || len(s.open) == mostOpen {
			return e, false, nil // the recording began within the stream
		}
		open = &stream{}
		s.open[id] = open
	}
	switch {
	case one.Segment.RequestHeaders != nil:
		open.requests = append(open.requests, one.Segment.RequestHeaders.message())
	case one.Segment.ResponseHeaders != nil:
		open.responses = append(open.responses, one.Segment.ResponseHeaders.message())
	case one.Segment.RequestBody != nil:
		open.body = true
	}
	if len(open.responses) < 2 {
		return e, false, nil
	}
	delete(s.open, id)
	e = Exchange{Request: open.requests[0], Client: open.responses[1], HasBody: open.body}
	if len(open.requests) > 1 {
		e.Upstream, e.Response = open.requests[1], open.responses[0]
	}
	return e, true, nil
}
