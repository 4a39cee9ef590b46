package host

import (
	"slices"
	"strings"
)

// Header is one header or trailer. Order and repetition are kept.
type Header struct{ Name, Value string }

// Message is a request or a response.
type Message struct {
	Headers []Header
	// Body is in chunks, as they arrive; nil: none.
	Body     [][]byte
	Trailers []Header // nil: none
}

// Outcome is the arrived part of a message.
type Outcome struct {
	// Reached means the headers arrived.
	Reached bool
	// Complete means the whole message arrived.
	Complete bool
	Message  Message
}

// Lookup returns the first header of a name, in any case.
func Lookup(headers []Header, name string) (value string, ok bool) {
	i := indexHeader(headers, name)
	if i < 0 {
		return "", false
	}
	return headers[i].Value, true
}

func indexHeader(headers []Header, name string) int {
	return slices.IndexFunc(headers, func(p Header) bool { return strings.EqualFold(p.Name, name) })
}

func addHeader(headers []Header, p Header) []Header { return append(headers, p) }

func replaceHeader(headers []Header, p Header) []Header {
	i := indexHeader(headers, p.Name)
	if i < 0 {
		return append(headers, p)
	}
	headers[i].Value = p.Value
	return append(headers[:i+1], removeHeader(headers[i+1:], p.Name)...)
}

func removeHeader(headers []Header, name string) []Header {
	return slices.DeleteFunc(headers, func(p Header) bool { return strings.EqualFold(p.Name, name) })
}

// headersSize returns the size of headers; nil: none.
func headersSize(headers *[]Header) int {
	size := 0
	if headers != nil {
		for _, p := range *headers {
			size += len(p.Name) + len(p.Value)
		}
	}
	return size
}
