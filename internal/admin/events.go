package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/events"
)

const (
	// maxStreams bounds the clients of the event stream; each costs a goroutine and a queue.
	maxStreams = 128
	// keepAlive is shorter than the idle timeouts of proxies and firewalls.
	keepAlive = 15 * time.Second
	// writeTimeout is how long a client may not read before the server drops the client.
	writeTimeout = 10 * time.Second
)

// eventsHandler streams changes as server-sent events, until the client leaves or stops reading, or
// the server ends. A dropped client connects again with the id of the last event, and gets the
// later events.
type eventsHandler struct {
	state State
	// places has a place for each client.
	places chan struct{}
}

func newEventsHandler(state State) eventsHandler {
	return eventsHandler{state: state, places: make(chan struct{}, maxStreams)}
}

// ServeHTTP answers a GET.
func (h eventsHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		writeError(w, &api.Error{
			Code: api.CodeTooMany, Message: fmt.Sprintf("%d clients read the events already", maxStreams),
			Hint: "close some of them, or ask for /api/v1/filters now and then",
		})
		return
	}
	wanted, e := eventParameters.parse(r.URL.Query())
	if e != nil {
		writeError(w, e)
		return
	}
	subscription := h.state.Subscribe(r.Header.Get("Last-Event-ID"))
	defer subscription.Cancel()

	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // otherwise nginx would delay the events
	out := eventWriter{w: w, control: http.NewResponseController(w)}
	// The server's read timeout is for requests; here the timeout would end the stream.
	_ = out.control.SetReadDeadline(time.Time{})
	// An immediate comment tells the client of the connection.
	if out.send("retry: 1000\n: wasm-xds\n\n") != nil || out.missed(subscription, wanted) != nil {
		return
	}
	tick := time.NewTicker(keepAlive)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			if callerOf(r).hasLeft() {
				return
			}
			err = out.send(": still here\n\n")
		case e, open := <-subscription.Events:
			if !open {
				return
			}
			if wanted.takesEvent(&e) {
				err = out.event(e)
			}
		}
		if err != nil {
			return
		}
	}
}

type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// missed sends the missed events to a returning client.
func (o eventWriter) missed(s events.Subscription, wanted query) error {
	if s.Reset {
		return o.event(api.Event{Type: api.EventReset, Time: time.Now()})
	}
	for _, e := range s.Missed {
		if wanted.takesEvent(&e) {
			if err := o.event(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o eventWriter) event(e api.Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	id := ""
	if e.ID != "" {
		id = "id: " + e.ID + "\n"
	}
	return o.send(fmt.Sprintf("%sevent: %s\ndata: %s\n\n", id, e.Type, text))
}

func (o eventWriter) send(text string) error {
	// A test's writer may have no deadlines; the real writer has them.
	_ = o.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.control.Flush()
}
