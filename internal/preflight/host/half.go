package host

import (
	"slices"
)

// half is one direction of an exchange: the parts before the filter, the parts at the filter, and
// the parts behind the filter. half runs no callbacks: [Stream] passes on the results of the
// filter's callbacks.
type half struct {
	waiting []event

	headers, trailers *[]Header // nil: not there yet
	received          int       // bytes of the body
	// headersGone and trailersGone: the filter has let them pass, and no longer sees them.
	headersGone, trailersGone bool
	visible                   *[]byte // body, during a callback
	buffered                  []byte  // data of a pause of the filter
	buffering                 bool

	stopped     bool // all later events wait
	headersWait bool
	ending      bool // the end has reached at least the filter
	endWaits    bool // trailers or the end wait for the filter to continue
	arrived     Outcome
}

// push adds an arriving message.
func (d *half) push(m Message) { d.waiting = append(d.waiting, events(m)...) }

// replace makes a message the only arriving message.
func (d *half) replace(m Message) { d.waiting = events(m) }

// next returns the next part for the filter; ok is false if no part is left, or the filter has
// stopped all parts.
func (d *half) next() (e event, ok bool) {
	if len(d.waiting) == 0 || d.stopped {
		return event{}, false
	}
	e = d.waiting[0]
	d.waiting = d.waiting[1:]
	d.ending = e.end
	return e, true
}

// showHeaders begins the headers' callback.
func (d *half) showHeaders(e event) { d.headers = &e.headers }

// The results of callbacks, by their numbers in Proxy-Wasm. All other results for headers stop
// every event.
const (
	headersContinue      = 0
	headersStopIteration = 1
	headersContinueAlone = 2

	dataContinue         = 0
	dataStopAndBuffer    = 1
	dataStopAndWatermark = 2
)

// headersDone ends the headers' callback. If allowStop, the body still comes while headers wait.
func (d *half) headersDone(status uint64, end, allowStop bool) {
	d.headersGone = d.headersGone || status == headersContinue
	if status == headersContinue || status == headersContinueAlone {
		d.flush(end)
		return
	}
	d.headersWait, d.endWaits = true, end
	d.stopped = status != headersStopIteration || !allowStop
}

// showData begins the body's callback, and returns the number of visible bytes.
func (d *half) showData(data []byte) int {
	body := data
	d.received += len(data)
	if d.buffering {
		body, d.buffered = append(d.buffered, body...), nil
	}
	d.visible, d.buffering = &body, false
	return len(body)
}

// hideData ends the filter's view of the body, and returns the body as the filter left it.
func (d *half) hideData() []byte {
	body := *d.visible
	d.visible = nil
	return body
}

// dataDone ends the body's callback.
func (d *half) dataDone(status uint64, body []byte, end bool) {
	switch status {
	case dataContinue:
		d.buffered = append(d.buffered, body...)
		d.flush(end)
	case dataStopAndBuffer, dataStopAndWatermark:
		d.buffered, d.buffering, d.endWaits = append(d.buffered, body...), true, end
		d.headersWait = d.headersWait || !d.arrived.Reached
	}
}

// showTrailers begins the trailers' callback.
func (d *half) showTrailers(e event) { d.trailers = &e.trailers }

// trailersDone ends the trailers' callback.
func (d *half) trailersDone(status uint64) {
	if status != headersContinue {
		d.endWaits = true
		return
	}
	d.trailersGone = true
	d.flush(true)
}

// flush sends on the data behind the filter.
func (d *half) flush(end bool) {
	if !d.arrived.Reached {
		d.arrived.Reached, d.headersWait = true, false
		d.arrived.Message.Headers = slices.Clone(*d.headers)
	}
	if len(d.buffered) > 0 {
		d.arrived.Message.Body = append(d.arrived.Message.Body, d.buffered)
		d.buffered, d.buffering = nil, false
	}
	if end {
		d.arrived.Complete, d.endWaits = true, false
		if d.trailers != nil {
			d.arrived.Message.Trailers = slices.Clone(*d.trailers)
		}
	}
}

// resume ends a pause of the filter, if there is one.
func (d *half) resume() {
	if d.stopped || d.headersWait || d.endWaits || d.buffering {
		d.stopped = false
		d.flush(d.endWaits)
		d.waiting = merged(d.waiting)
	}
}

// override makes a whole message arrive in place of the arriving message.
func (d *half) override(m Message) {
	d.stopped = true
	d.arrived = Outcome{Reached: true, Complete: true, Message: m}
}

// begun reports whether the headers have reached the filter.
func (d *half) begun() bool { return d.headers != nil }

// hide takes the message out of the filter's sight.
func (d *half) hide() { d.headersGone, d.trailersGone = true, true }

// shownHeaders are the headers in the filter's sight, for reading and changing; nil: none.
func (d *half) shownHeaders() *[]Header {
	if d.headersGone {
		return nil
	}
	return d.headers
}

// shownTrailers are the trailers in the filter's sight; nil: none.
func (d *half) shownTrailers() *[]Header {
	if d.trailersGone {
		return nil
	}
	return d.trailers
}

// addTrailers gives the message empty trailers, if the filter still can: in the last callback of
// the message.
func (d *half) addTrailers() {
	if d.trailers == nil && d.ending && d.visible != nil {
		d.trailers = new([]Header)
	}
}

// body returns the visible body: during the body's callback, and while the filter pauses with the
// body; nil: none.
func (d *half) body() *[]byte {
	if d.visible == nil && d.buffering {
		return &d.buffered
	}
	return d.visible
}

// bodySize returns the bytes of the body so far.
func (d *half) bodySize() int { return d.received }

// totalSize returns the bytes of the headers and the body so far.
func (d *half) totalSize() int { return d.received + headersSize(d.headers) }

// bodyOrEnd reports whether more than the headers has come.
func (d *half) bodyOrEnd() bool { return d.received > 0 || d.ending }
