package recording

import (
	"encoding/json"
	"strings"
)

// segment is a segment in the JSON form of Envoy's taps. A tap writes headers at once, so a segment
// shows them as they are at the place of the tap.
type segment struct {
	TraceID          string   `json:"trace_id"`
	RequestHeaders   *headers `json:"request_headers"`
	RequestBody      *chunk   `json:"request_body_chunk"`
	RequestTrailers  *headers `json:"request_trailers"`
	ResponseHeaders  *headers `json:"response_headers"`
	ResponseBody     *chunk   `json:"response_body_chunk"`
	ResponseTrailers *headers `json:"response_trailers"`
}

type headers struct {
	Headers []struct {
		Key   string `json:"key"`
		Value string `json:"value"`
		Raw   []byte `json:"raw_value"`
	} `json:"headers"`
}

func (h *headers) list() Headers {
	all := Headers{}
	for _, one := range h.Headers {
		value := one.Value
		if value == "" {
			value = string(one.Raw)
		}
		all = append(all, Header{strings.ToLower(one.Key), value})
	}
	return all
}

func (h Headers) size() (n int) {
	for _, one := range h {
		n += len(one.Name) + len(one.Value)
	}
	return n
}

// chunk is a chunk of a body. Envoy cuts a chunk after max_buffered_rx_bytes or
// max_buffered_tx_bytes.
type chunk struct {
	Bytes     []byte `json:"as_bytes"`
	Truncated bool   `json:"truncated"`
}

func decode(text []byte) (segment, error) {
	var wrapper struct {
		Segment segment `json:"http_streamed_trace_segment"`
	}
	err := json.Unmarshal(text, &wrapper)
	return wrapper.Segment, err
}
