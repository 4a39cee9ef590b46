// Package events hands the events of the admin API to any number of subscribers.
package events

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

const (
	// hubQueue is how many events a subscriber may lag behind.
	hubQueue = 256
	// hubKept is how many events are kept for returning subscribers, and hubWait for how long
	// after the last subscriber has left.
	hubKept = 1024
	hubWait = time.Minute
)

// Hub hands events to any number of subscribers without waiting. A subscriber that lags behind by
// more than its queue is dropped, and its channel closed. A returning subscriber gets the missed
// events. The zero value is ready to use.
type Hub struct {
	mu     sync.Mutex
	queues map[chan api.Event]struct{}
	left   time.Time   // the time at which the last subscriber left
	epoch  string      // tells the ids of this process from the ids of other processes
	last   uint64      // number of the newest event; 0: none
	kept   []api.Event // the newest ones, the oldest first
	notify func(api.Event)
}

// Notify has notable events also handed to a function, whether or not there is a subscriber. The
// function must not block. Call Notify before the first [Hub.Publish].
func (h *Hub) Notify(notify func(api.Event)) { h.notify = notify }

// Subscription is the result of [Hub.Subscribe].
type Subscription struct {
	// Missed are the events after the subscriber's last event.
	Missed []api.Event
	// Reset: some missed events are unknown, and the subscriber has to read all state again.
	Reset bool
	// Events delivers new events. Cancel closes the channel, and so does the hub when the
	// subscriber lags.
	Events <-chan api.Event
	Cancel func() // may be called more than once
}

// Watched says whether there is a subscriber, or the last has left less than hubWait ago.
func (h *Hub) Watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watched(time.Now())
}

func (h *Hub) watched(now time.Time) bool {
	return len(h.queues) > 0 || !h.left.IsZero() && now.Sub(h.left) < hubWait
}

// Publish gives e an id and hands e to every subscriber, without waiting.
func (h *Hub) Publish(e api.Event) {
	if h.notify != nil && e.Type.IsNotable() {
		h.notify(e)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.watched(time.Now()) {
		return
	}
	h.last++
	e.ID = h.id(h.last)
	h.kept = append(h.kept, e)
	if len(h.kept) > 2*hubKept {
		h.kept = append([]api.Event(nil), h.kept[len(h.kept)-hubKept:]...)
	}
	for queue := range h.queues {
		select {
		case queue <- e:
		default:
			h.drop(queue)
		}
	}
}

func (h *Hub) id(n uint64) string {
	if h.epoch == "" {
		h.epoch = strconv.FormatInt(time.Now().UnixNano(), 36)
	}
	return fmt.Sprintf("%s-%d", h.epoch, n)
}

// Subscribe delivers new events. lastEventID is the id of the subscriber's last event; "" for a
// new subscriber.
func (h *Hub) Subscribe(lastEventID string) Subscription {
	queue := make(chan api.Event, hubQueue)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.watched(time.Now()) {
		// Events of the meantime were not published, and are unknown.
		h.kept = nil
		h.last++
	}
	if h.queues == nil {
		h.queues = make(map[chan api.Event]struct{})
	}
	h.queues[queue] = struct{}{}
	s := Subscription{Events: queue, Cancel: func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(queue)
	}}
	if lastEventID != "" {
		s.Missed, s.Reset = h.since(lastEventID)
	}
	return s
}

// since returns the events after the id; reset: some of them are unknown.
func (h *Hub) since(id string) (missed []api.Event, reset bool) {
	epoch, text, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || h.epoch == "" || epoch != h.epoch || n > h.last {
		return nil, true
	}
	after := h.last - n
	if after > uint64(len(h.kept)) {
		return nil, true
	}
	return append(missed, h.kept[uint64(len(h.kept))-after:]...), false
}

// drop must be called with the lock held.
func (h *Hub) drop(queue chan api.Event) {
	if _, there := h.queues[queue]; there {
		delete(h.queues, queue)
		h.left = time.Now()
		close(queue)
	}
}
