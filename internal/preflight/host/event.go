package host

import (
	"slices"
)

// event is a part of a message: headers, a chunk of the body, or trailers.
type event struct {
	headers, trailers []Header
	data              []byte
	kind              eventKind
	end               bool
}

type eventKind int

const (
	headersEvent eventKind = iota
	dataEvent
	trailersEvent
)

// events returns the parts of a message, in their order.
func events(m Message) []event {
	list := []event{{kind: headersEvent, headers: slices.Clone(m.Headers)}}
	for _, chunk := range m.Body {
		list = append(list, event{kind: dataEvent, data: slices.Clone(chunk)})
	}
	if m.Trailers != nil {
		return append(list, event{kind: trailersEvent, trailers: slices.Clone(m.Trailers), end: true})
	}
	list[len(list)-1].end = true
	return list
}

// merged joins the chunks that came while the filter was stopped.
func merged(waiting []event) []event {
	var list []event
	for _, e := range waiting {
		if n := len(list); n > 0 && e.kind == dataEvent && list[n-1].kind == dataEvent {
			list[n-1].data, list[n-1].end = append(list[n-1].data, e.data...), e.end
			continue
		}
		list = append(list, e)
	}
	return list
}
