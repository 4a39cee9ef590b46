package admin

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// hubQueue is how many events a subscriber may lag behind.
	hubQueue = 256
	// hubKept is how many events are kept for subscribers that come back, and hubWait for how long after
	// the last of them has left.
	hubKept = 1024
	hubWait = time.Minute
)

// Hub hands events to any number of subscribers, and waits for none: one that
// lags behind by more than its queue is dropped, and its channel closed. A subscriber that comes
// back is given what it has missed. The zero value is ready to use.
type Hub struct {
	mu     sync.Mutex
	queues map[chan Event]struct{}
	left   time.Time // the last subscriber
	epoch  string    // tells the ids of this process from those of others
	last   uint64    // number of the newest event; 0: none
	kept   []Event   // the newest ones, the oldest first
}

// Subscription is what [Hub.Subscribe] gives.
type Subscription struct {
	// Missed are the events since the one that the subscriber had last.
	Missed []Event
	// Reset says that more was missed than is known: the subscriber has to ask for everything.
	Reset bool
	// Events brings what is published from now on. It is closed by Cancel, and when the
	// subscriber lags.
	Events <-chan Event
	Cancel func() // may be called more than once
}

// Watched says whether anybody subscribes, or has left so lately that it may come back.
func (h *Hub) Watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watched(time.Now())
}

func (h *Hub) watched(now time.Time) bool {
	return len(h.queues) > 0 || !h.left.IsZero() && now.Sub(h.left) < hubWait
}

// Publish gives e an id and hands it to every subscriber, without waiting.
func (h *Hub) Publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.watched(time.Now()) {
		return
	}
	h.last++
	e.ID = h.id(h.last)
	h.kept = append(h.kept, e)
	if len(h.kept) > 2*hubKept {
		h.kept = append([]Event(nil), h.kept[len(h.kept)-hubKept:]...)
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

// Subscribe brings what is published from now on. lastEventID is the id of the last event that the
// subscriber has had, and "" where it comes for the first time.
func (h *Hub) Subscribe(lastEventID string) Subscription {
	queue := make(chan Event, hubQueue)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.watched(time.Now()) {
		// What has happened meanwhile was not told to anybody, and is not known.
		h.kept = nil
		h.last++
	}
	if h.queues == nil {
		h.queues = make(map[chan Event]struct{})
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

// since are the events after the one of that id; reset says that they are not all known.
func (h *Hub) since(id string) (missed []Event, reset bool) {
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
func (h *Hub) drop(queue chan Event) {
	if _, there := h.queues[queue]; there {
		delete(h.queues, queue)
		h.left = time.Now()
		close(queue)
	}
}
