package host

import (
	"context"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/preflight/envoy"
)

// Stream is an HTTP request and the response through the filter. During a pause of the filter, data
// waits. A Stream belongs to the goroutine of the VM.
type Stream struct {
	instance *instance
	id       uint32
	exchange
}

func newStream(ctx context.Context, i *instance, o StreamOptions) (*Stream, error) {
	s := &Stream{instance: i}
	s.exchange.driver, s.exchange.begun = s, time.Now()
	var err error
	s.id, err = newContext(ctx, i, o, &contextState{exchange: &s.exchange})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Request passes the client's request. An error is a trap, a [finding.Problem] with the step
// stream.
func (s *Stream) Request(ctx context.Context, m Message) error {
	s.request.push(m)
	return s.proceed(ctx, &s.request)
}

// Response passes the upstream's response. After a local answer, Response has no effect.
func (s *Stream) Response(ctx context.Context, m Message) error {
	if s.local {
		return nil
	}
	s.response.push(m)
	return s.proceed(ctx, &s.response)
}

// proceed handles events until there are none or the filter stops them.
func (s *Stream) proceed(ctx context.Context, d *half) error {
	for s.flows(d) {
		e, ok := d.next()
		if !ok {
			return nil
		}
		if err := s.take(ctx, d, e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stream) take(ctx context.Context, d *half, e event) error {
	var err error
	switch e.kind {
	case headersEvent:
		err = s.takeHeaders(ctx, d, e)
	case dataEvent:
		err = s.takeData(ctx, d, e)
	default:
		err = s.takeTrailers(ctx, d, e)
	}
	if err != nil {
		return err
	}
	return s.instance.actions.run(ctx)
}

// call runs a callback of this stream. gone means an answer or a reset by the filter.
func (s *Stream) call(ctx context.Context, d *half, part string, args ...uint64) (status uint64, gone bool, err error) {
	local := s.local
	name := "proxy_on_request" + part
	if d == &s.response {
		name = "proxy_on_response" + part
	}
	status, _, err = s.instance.callback(ctx, s.id, name, append([]uint64{uint64(s.id)}, args...)...)
	return status, s.callbackDone(local), err
}

func (s *Stream) takeHeaders(ctx context.Context, d *half, e event) error {
	d.showHeaders(e)
	args := []uint64{uint64(len(e.headers)), asFlag(e.end)}
	if s.instance.abi == envoy.ABI010 {
		args = args[:1]
	}
	status, gone, err := s.call(ctx, d, "_headers", args...)
	if err == nil && !gone {
		d.headersDone(status, e.end, s.instance.config.AllowOnHeadersStopIteration)
	}
	return err
}

func (s *Stream) takeData(ctx context.Context, d *half, e event) error {
	size := d.showData(e.data)
	status, gone, err := s.call(ctx, d, "_body", uint64(size), asFlag(e.end))
	body := d.hideData()
	if err == nil && !gone {
		d.dataDone(status, body, e.end)
	}
	return err
}

func (s *Stream) takeTrailers(ctx context.Context, d *half, e event) error {
	d.showTrailers(e)
	status, gone, err := s.call(ctx, d, "_trailers", uint64(len(e.trailers)))
	if err == nil && !gone {
		d.trailersDone(status)
	}
	return err
}

// resume implements [driver].
func (s *Stream) resume(ctx context.Context, d *half) error {
	if !s.resumes(d) {
		return nil
	}
	d.resume()
	return s.proceed(ctx, d)
}

// answer implements [driver].
func (s *Stream) answer(ctx context.Context, m Message) error {
	if !s.exchange.answer(m) {
		return nil
	}
	return s.proceed(ctx, &s.response)
}

// Upstream returns the outcome of the message to the upstream.
func (s *Stream) Upstream() Outcome { return s.request.arrived }

// Client returns the outcome of the message to the client: the upstream's response or the filter's
// own.
func (s *Stream) Client() Outcome { return s.response.arrived }

// Local reports whether the filter has answered by itself.
func (s *Stream) Local() bool { return s.local }

// Reset reports whether the filter has ended the stream without an answer.
func (s *Stream) Reset() bool { return s.reset }

// Close ends the stream: log, done and delete.
func (s *Stream) Close(ctx context.Context) error {
	s.setLogging(true)
	defer s.setLogging(false)
	return s.instance.endContext(ctx, s.id, "proxy_on_log", "proxy_on_done", "proxy_on_delete")
}
