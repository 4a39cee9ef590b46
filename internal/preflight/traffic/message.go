package traffic

import (
	"slices"
	"strconv"

	"github.com/wasm-xds/wasm-xds/internal/preflight/host"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

func requestMessage(m spec.TestMessage) host.Message {
	headers := headerList(m.Headers)
	pseudo := []host.Header{
		{Name: ":authority", Value: "test.example"},
		{Name: ":path", Value: m.Path},
		{Name: ":method", Value: m.Method},
		{Name: ":scheme", Value: "http"},
	}
	if i := slices.IndexFunc(headers, func(h host.Header) bool { return h.Name == "host" }); i >= 0 {
		pseudo[0].Value = headers[i].Value
		headers = slices.Delete(headers, i, i+1)
	}
	// A test may also set them as headers.
	pseudo = slices.DeleteFunc(pseudo, func(p host.Header) bool {
		return slices.ContainsFunc(headers, func(h host.Header) bool { return h.Name == p.Name })
	})
	return message(append(pseudo, headers...), m)
}

func responseMessage(m spec.TestMessage) host.Message {
	return message(append([]host.Header{{Name: ":status", Value: strconv.Itoa(m.Status)}}, headerList(m.Headers)...), m)
}

func message(headers []host.Header, m spec.TestMessage) host.Message {
	out := host.Message{Headers: headers}
	for _, chunk := range m.Body {
		out.Body = append(out.Body, []byte(chunk))
	}
	if m.Trailers != nil {
		out.Trailers = headerList(m.Trailers)
	}
	return out
}

// headerList is never nil.
func headerList(headers []spec.TestHeader) []host.Header {
	list := []host.Header{}
	for _, h := range headers {
		for _, value := range h.Values {
			list = append(list, host.Header{Name: h.Name, Value: value})
		}
	}
	return list
}
