package preflight

import (
	"context"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// Stream is one HTTP request and its response through the filter. Data that the filter pauses is
// held back until the filter continues.
type Stream struct {
	host              *host
	id                uint32
	request, response half
	local             bool // the client gets the filter's own answer
	answered          bool // the filter has asked for its own answer in the current callback
	reset             bool
	logging           bool // proxy_on_log runs
	begun             time.Time
}

// half is one direction of a stream.
type half struct {
	prefix  string // of the callbacks' names: proxy_on_request
	waiting []event

	headers, trailers *[]Header // nil: not there yet
	received          int       // bytes of the body
	// headersGone and trailersGone: the filter has let them pass, and no longer sees them.
	headersGone, trailersGone bool
	visible                   *[]byte // body, during a callback
	buffered                  []byte  // data of a pause of the filter
	buffering                 bool

	stopped bool // all later events wait
	held    bool // headers wait
	ending  bool // the end has reached at least the filter
	over    bool // trailers or the end wait for the filter to continue
	out     Outcome
}

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

// shownHeaders are the headers that the filter may see and change, or nil.
func (d *half) shownHeaders() *[]Header {
	if d.headersGone {
		return nil
	}
	return d.headers
}

func (d *half) shownTrailers() *[]Header {
	if d.trailersGone {
		return nil
	}
	return d.trailers
}

// NewStream begins an HTTP stream.
func (vm *VM) NewStream(ctx context.Context, o StreamOptions) (*Stream, error) {
	s := &Stream{host: vm.host, begun: time.Now()}
	s.request.prefix, s.response.prefix = "proxy_on_request", "proxy_on_response"
	c, err := vm.newContext(ctx, o, func(c *contextState) { c.stream = s })
	if err != nil {
		return nil, err
	}
	s.id = c.id
	return s, nil
}

// newContext creates a context below the root's.
func (vm *VM) newContext(ctx context.Context, o StreamOptions, fill func(*contextState)) (*contextState, error) {
	h := vm.host
	h.kept, h.missing = 0, nil
	c := &contextState{id: h.state.next}
	for path, value := range o.Properties {
		c.set(path, value)
	}
	fill(c)
	h.state.next++
	h.state.contexts[c.id] = c
	return c, h.run(ctx, c.id, envoy.CallbackContextCreate, uint64(c.id), rootContext)
}

// Request passes the client's request. An error is a trap, a [Problem] with the step stream.
func (s *Stream) Request(ctx context.Context, m Message) error {
	s.request.waiting = append(s.request.waiting, events(m)...)
	return s.proceed(ctx, &s.request)
}

// Response passes the upstream's response. After a local answer, Response has no effect.
func (s *Stream) Response(ctx context.Context, m Message) error {
	if s.local {
		return nil
	}
	s.response.waiting = append(s.response.waiting, events(m)...)
	return s.proceed(ctx, &s.response)
}

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

// proceed handles events until there are none or the filter stops them.
func (s *Stream) proceed(ctx context.Context, d *half) error {
	for len(d.waiting) > 0 && !d.stopped && !s.reset && (d == &s.response || !s.local) {
		e := d.waiting[0]
		d.waiting = d.waiting[1:]
		if err := s.take(ctx, d, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stream) take(ctx context.Context, d *half, e event) error {
	d.ending = e.end
	switch e.kind {
	case headersEvent:
		return s.takeHeaders(ctx, d, e)
	case dataEvent:
		return s.takeData(ctx, d, e)
	default:
		return s.takeTrailers(ctx, d, e)
	}
}

// call runs a callback of this stream. gone means that the filter has answered or reset the stream.
func (s *Stream) call(ctx context.Context, name string, args ...uint64) (status uint64, gone bool, err error) {
	local := s.local
	status, _, err = s.host.callback(ctx, s.id, name, append([]uint64{uint64(s.id)}, args...)...)
	gone = s.answered && !local
	s.answered = false
	return status, gone || s.reset, err
}

func (s *Stream) takeHeaders(ctx context.Context, d *half, e event) error {
	d.headers = &e.headers
	args := []uint64{uint64(len(e.headers)), asFlag(e.end)}
	if s.host.abi == envoy.ABI010 {
		args = args[:1]
	}
	status, gone, err := s.call(ctx, d.prefix+"_headers", args...)
	if err != nil || gone {
		return cmpErr(err, func() error { return s.host.runAfter(ctx) })
	}
	const stopIteration = 1
	d.headersGone = d.headersGone || status == 0
	switch {
	case status == 0 || status == 2:
		d.flush(e.end)
	default:
		d.held, d.over = true, e.end
		d.stopped = status != stopIteration || !s.host.request.AllowOnHeadersStopIteration
	}
	return s.host.runAfter(ctx)
}

func (s *Stream) takeData(ctx context.Context, d *half, e event) error {
	const (
		goOn = iota
		stopAndBuffer
		stopAndWatermark
	)
	body := e.data
	d.received += len(e.data)
	if d.buffering {
		body, d.buffered = append(d.buffered, body...), nil
	}
	d.visible, d.buffering = &body, false
	status, gone, err := s.call(ctx, d.prefix+"_body", uint64(len(body)), asFlag(e.end))
	d.visible = nil
	if err != nil || gone {
		return cmpErr(err, func() error { return s.host.runAfter(ctx) })
	}
	switch status {
	case goOn:
		d.buffered = append(d.buffered, body...)
		d.flush(e.end)
	case stopAndBuffer, stopAndWatermark:
		d.buffered, d.buffering, d.over = append(d.buffered, body...), true, e.end
		d.held = d.held || !d.out.Reached
	}
	return s.host.runAfter(ctx)
}

func (s *Stream) takeTrailers(ctx context.Context, d *half, e event) error {
	d.trailers = &e.trailers
	status, gone, err := s.call(ctx, d.prefix+"_trailers", uint64(len(e.trailers)))
	if err != nil || gone {
		return cmpErr(err, func() error { return s.host.runAfter(ctx) })
	}
	if status == 0 {
		d.trailersGone = true
		d.flush(true)
	} else {
		d.over = true
	}
	return s.host.runAfter(ctx)
}

// cmpErr returns the first error: the work after an error is not done.
func cmpErr(err error, after func() error) error {
	if err != nil {
		return err
	}
	return after()
}

// flush sends on the data that the filter has let pass.
func (d *half) flush(end bool) {
	if !d.out.Reached {
		d.out.Reached, d.held = true, false
		d.out.Message.Headers = slices.Clone(*d.headers)
	}
	if len(d.buffered) > 0 {
		d.out.Message.Body = append(d.out.Message.Body, d.buffered)
		d.buffered, d.buffering = nil, false
	}
	if end {
		d.out.Complete, d.over = true, false
		if d.trailers != nil {
			d.out.Message.Trailers = slices.Clone(*d.trailers)
		}
	}
}

// resume continues a direction.
func (s *Stream) resume(ctx context.Context, d *half) error {
	if s.reset || d.headers == nil || (d == &s.request && s.local) {
		return nil
	}
	if d.stopped || d.held || d.over || d.buffering {
		d.stopped = false
		d.flush(d.over)
		d.waiting = merged(d.waiting)
	}
	return s.proceed(ctx, d)
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

// answer makes the filter's own response the client's. If the upstream has not responded, the
// filter's response goes through the filter instead. If the upstream's response is held, the
// filter's replaces it. Later, only a reset is possible.
func (s *Stream) answer(ctx context.Context, m Message) error {
	switch {
	case s.local || s.reset:
		return nil
	case s.response.out.Reached:
		s.reset = true
		return nil
	case s.response.headers != nil:
		s.local, s.response.stopped = true, true
		s.response.out = Outcome{Reached: true, Complete: true, Message: m}
		return nil
	}
	s.local = true
	s.response.waiting = events(m)
	return s.proceed(ctx, &s.response)
}

// Upstream returns the outcome of the message to the upstream.
func (s *Stream) Upstream() Outcome { return s.request.out }

// Client returns the outcome of the message to the client: the upstream's response or the filter's
// own.
func (s *Stream) Client() Outcome { return s.response.out }

// Local reports whether the filter has answered by itself.
func (s *Stream) Local() bool { return s.local }

// Reset reports whether the filter has ended the stream without an answer.
func (s *Stream) Reset() bool { return s.reset }

// Close ends the stream: log, done and delete.
func (s *Stream) Close(ctx context.Context) error {
	s.logging = true
	defer func() { s.logging = false }()
	return s.host.endContext(ctx, s.id, "proxy_on_log", "proxy_on_done", "proxy_on_delete")
}

func (h *host) endContext(ctx context.Context, id uint32, callbacks ...string) error {
	defer delete(h.state.contexts, id)
	for _, name := range callbacks {
		if err := h.run(ctx, id, name, uint64(id)); err != nil {
			return err
		}
	}
	return nil
}

func asFlag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
