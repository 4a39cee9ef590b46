package recording

import (
	"container/list"
	"time"
)

// The bounds of the memory for streams without an end.
const (
	mostOpen      = 1000
	mostOpenBytes = 64 << 20
	mostChunks    = 64 // of one direction of a stream
)

// Quiet is how long a stream with both responses waits for its next segment. Taps do not say a
// stream has ended.
const Quiet = 500 * time.Millisecond

// Streams joins the segments of streams. The zero value is ready.
type Streams struct {
	open map[string]*list.Element // of order
	// order has the streams, the one with the oldest segment first.
	order list.List
	bytes int

	// Dropped counts the streams that Streams has dropped without an exchange, because too many
	// others were open.
	Dropped int
}

// stream has the segments of a stream so far.
type stream struct {
	id                string
	last              time.Time // of the last segment
	bytes             int
	request, response half
}

// half is one direction of a stream. The segments of all taps are in the order of the taps' calls.
type half struct {
	headers, trailers []Headers
	chunks            []placed
	bytes             int // of the chunks
	large             bool
}

// Take takes the next segment at a time. Segments of streams that began before the recording do
// not count.
func (s *Streams) Take(text []byte, now time.Time) error {
	one, err := decode(text)
	if err != nil || one.TraceID == "" {
		return err
	}
	if s.open == nil {
		s.open = map[string]*list.Element{}
	}
	element := s.open[one.TraceID]
	if element == nil {
		if one.RequestHeaders == nil {
			return nil
		}
		element = s.order.PushBack(&stream{id: one.TraceID})
		s.open[one.TraceID] = element
	}
	s.order.MoveToBack(element)
	open := element.Value.(*stream)
	before := open.bytes
	open.last = now
	open.take(one)
	s.bytes += open.bytes - before
	for len(s.open) > mostOpen || s.bytes > mostOpenBytes && len(s.open) > 1 {
		s.remove(s.order.Front())
		s.Dropped++
	}
	return nil
}

func (s *Streams) remove(element *list.Element) *stream {
	open := s.order.Remove(element).(*stream)
	delete(s.open, open.id)
	s.bytes -= open.bytes
	return open
}

// Due returns the exchanges without a segment since a time, the oldest first. Streams with a
// missing response stay open.
func (s *Streams) Due(since time.Time) (all []Exchange) {
	for element := s.order.Front(); element != nil; {
		open, next := element.Value.(*stream), element.Next()
		if open.last.After(since) {
			break
		}
		if len(open.response.headers) >= afterAndBefore {
			all = append(all, s.remove(element).exchange())
		}
		element = next
	}
	return all
}

// Open is the number of streams without an exchange.
func (s *Streams) Open() int { return len(s.open) }

func (s *stream) take(one segment) {
	s.bytes += s.request.take(one.RequestHeaders, one.RequestBody, one.RequestTrailers)
	s.bytes += s.response.take(one.ResponseHeaders, one.ResponseBody, one.ResponseTrailers)
}

// take takes one part, and returns its size.
func (h *half) take(top *headers, body *chunk, bottom *headers) (size int) {
	switch {
	case top != nil && len(h.headers) < afterAndBefore:
		h.headers = append(h.headers, top.list())
		return h.headers[len(h.headers)-1].size()
	case bottom != nil && len(h.trailers) < afterAndBefore:
		h.trailers = append(h.trailers, bottom.list())
		return h.trailers[len(h.trailers)-1].size()
	case body != nil && !h.large:
		return h.takeChunk(body)
	}
	return 0
}

// takeChunk takes a chunk, and returns its size. It drops the chunks of a large body.
func (h *half) takeChunk(body *chunk) (size int) {
	if body.Truncated || len(h.chunks) == mostChunks || h.bytes+len(body.Bytes) > afterAndBefore*MostBody {
		size = -h.bytes
		h.chunks, h.bytes, h.large = nil, 0, true
		return size
	}
	h.chunks = append(h.chunks, placed{string(body.Bytes), len(h.headers)})
	h.bytes += len(body.Bytes)
	return len(body.Bytes)
}

// afterAndBefore is the number of taps.
const afterAndBefore = 3

// exchange makes the exchange of a stream with all headers of the response.
//
// A request passes the tap before the filter first, and a response passes it last. A response of
// the filter itself passes all taps, too.
func (s *stream) exchange() Exchange {
	e := Exchange{
		Request: Message{Headers: s.request.headers[0]},
		Client:  Message{Headers: s.response.headers[2]},
	}
	if len(s.request.headers) > 1 {
		e.Upstream = &Message{Headers: s.request.headers[1]}
		e.Response = &Message{Headers: s.response.headers[0]}
	}
	s.addTrailers(&e)
	s.addBodies(&e)
	return e
}

func (s *stream) addTrailers(e *Exchange) {
	if t := s.request.trailers; len(t) > 0 {
		e.Request.Trailers = t[0]
		if e.Upstream != nil && len(t) > 1 {
			e.Upstream.Trailers = t[1]
		}
	}
	if t := s.response.trailers; len(t) > 0 {
		e.Client.Trailers = t[len(t)-1]
		if e.Response != nil {
			e.Response.Trailers = t[0]
		}
	}
}

func (s *stream) addBodies(e *Exchange) {
	if s.request.large || s.response.large {
		e.withoutBodies(GapLarge)
		return
	}
	var known [2]bool
	var upstream, response string
	if e.Upstream == nil {
		e.Request.Body, known[0] = joined(s.request.chunks), true
	} else {
		e.Request.Body, upstream, known[0] = requestBodies(s.request.chunks)
		e.Upstream.Body = upstream
	}
	response, e.Client.Body, known[1] = responseBodies(s.response.chunks)
	if e.Response != nil {
		e.Response.Body = response
	}
	switch {
	case !known[0] || !known[1]:
		e.withoutBodies(GapMixed)
	case max(len(e.Request.Body), len(upstream), len(response), len(e.Client.Body)) > MostBody:
		e.withoutBodies(GapLarge)
	}
}
