package admin

import "sync"

// hubQueue is how many events a subscriber may lag behind.
const hubQueue = 256

// Hub hands events to any number of subscribers, and waits for none: one that
// lags behind by more than its queue is dropped, and its channel closed.
// The zero value is ready to use.
type Hub struct {
	mu     sync.Mutex
	queues map[chan Event]struct{}
}

// Watched says whether anybody subscribes.
func (h *Hub) Watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.queues) > 0
}

// Publish hands e to every subscriber, without waiting.
func (h *Hub) Publish(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for queue := range h.queues {
		select {
		case queue <- e:
		default:
			h.drop(queue)
		}
	}
}

// Subscribe brings what is published from now on. The channel is closed by
// cancel, which may be called more than once, and when the subscriber lags.
func (h *Hub) Subscribe() (events <-chan Event, cancel func()) {
	queue := make(chan Event, hubQueue)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.queues == nil {
		h.queues = make(map[chan Event]struct{})
	}
	h.queues[queue] = struct{}{}
	return queue, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(queue)
	}
}

// drop must be called with the lock held.
func (h *Hub) drop(queue chan Event) {
	if _, there := h.queues[queue]; there {
		delete(h.queues, queue)
		close(queue)
	}
}
