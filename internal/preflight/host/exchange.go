package host

import (
	"context"
	"time"
)

// driver goes on with an exchange after a callback of the module.
type driver interface {
	// resume ends the filter's pause of a direction.
	resume(ctx context.Context, d *half) error
	// answer gives the client the filter's own response.
	answer(ctx context.Context, m Message) error
}

// noTraffic is the driver of an exchange without any traffic.
type noTraffic struct{}

func (noTraffic) resume(context.Context, *half) error   { return nil }
func (noTraffic) answer(context.Context, Message) error { return nil }

// exchange is an HTTP request and the response, as the host functions see them.
type exchange struct {
	driver            driver
	request, response half
	local             bool // the client gets the filter's own answer
	answering         bool // the filter has asked for its own answer in the current callback
	reset             bool
	logging           bool // proxy_on_log runs
	begun             time.Time
}

// flows reports whether more of a direction may reach the filter.
func (x *exchange) flows(d *half) bool { return !x.reset && (d == &x.response || !x.local) }

// resumes reports whether the filter can end its pause of a direction.
func (x *exchange) resumes(d *half) bool { return x.flows(d) && d.begun() }

// end resets the exchange.
func (x *exchange) end() { x.reset = true }

// setLogging begins or ends proxy_on_log.
func (x *exchange) setLogging(on bool) { x.logging = on }

// ask notes the filter's request for an answer by the filter.
func (x *exchange) ask() { x.answering = true }

// callbackDone ends a callback. gone means an answer or a reset by the filter in the callback;
// wasLocal is [exchange.local] before the callback.
func (x *exchange) callbackDone(wasLocal bool) (gone bool) {
	gone = x.answering && !wasLocal || x.reset
	x.answering = false
	return gone
}

// answer makes the filter's own response the client's. If the upstream has not responded, the
// filter's response goes through the filter instead, and goesOn is true. If the upstream's response
// waits, the filter's replaces it. Later, only a reset is possible.
func (x *exchange) answer(m Message) (goesOn bool) {
	switch {
	case x.local || x.reset:
		return false
	case x.response.arrived.Reached:
		x.reset = true
		return false
	case x.response.begun():
		x.local = true
		x.response.override(m)
		return false
	}
	x.local = true
	x.response.replace(m)
	return true
}
