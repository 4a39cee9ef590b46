package webhook

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

// message is an event on its way to a receiver.
type message struct {
	ID    string    `json:"id"`
	Event api.Event `json:"event"`
}

// lane names the messages that must arrive in their order: those of a filter, or of the server.
func (m *message) lane() string {
	switch m.Event.Type {
	case api.EventSourceLost, api.EventSourceBack:
		return "source " + m.Event.Name
	case api.EventCertificateExpiring, api.EventCertificateExpired:
		return "certificate " + m.Event.Name
	default:
		return m.Event.Name
	}
}

// limits bound a queue.
type limits struct {
	most   int           // messages
	age    time.Duration // after which a message is given up
	pauses pause.Policy  // between tries
}

// queue has the messages for one receiver, the oldest first, and decides which message is due. It
// is pure. The messages of a lane keep their order: a message that the receiver refuses delays the
// later messages of its lane, and no others.
type queue struct {
	limits
	waiting []*message
	lanes   map[string]lane // with a failure
	whole   lane            // of the receiver: all messages wait
}

// lane is a sequence of failures; the zero value has none.
type lane struct {
	failures int
	due      time.Time // of the next try
}

func newQueue(l limits) *queue { return &queue{limits: l, lanes: map[string]lane{}} }

// add adds a message, and says whether the queue had to drop its oldest message.
func (q *queue) add(m *message) (dropped bool) {
	if len(q.waiting) >= q.most {
		q.remove(q.waiting[0])
		dropped = true
	}
	q.waiting = append(q.waiting, m)
	return dropped
}

// next is the message to send now. nil: none is due before the time wake, which is zero if the
// queue is empty.
func (q *queue) next(now time.Time) (m *message, wake time.Time) {
	if len(q.waiting) == 0 {
		return nil, time.Time{}
	}
	if now.Before(q.whole.due) {
		return nil, q.whole.due
	}
	blocked := map[string]bool{}
	for _, m := range q.waiting {
		name := m.lane()
		if blocked[name] {
			continue
		}
		due := q.lanes[name].due
		if !now.Before(due) {
			return m, time.Time{}
		}
		blocked[name] = true
		wake = pause.Earliest(wake, due)
	}
	return nil, wake
}

// taken notes that the receiver has taken a message.
func (q *queue) taken(m *message) {
	delete(q.lanes, m.lane())
	q.whole = lane{}
	q.remove(m)
}

// failure is a failed try.
type failure struct {
	// whole: the receiver cannot be reached or wants no more requests. Else the receiver refuses
	// this message.
	whole bool
	// after is the pause that the receiver asks for; 0: none.
	after time.Duration
	text  string // for the log
}

// failed notes a failed try, and returns the time of the next; zero: there is none.
func (q *queue) failed(m *message, f failure, now time.Time) (again time.Time) {
	if !slices.Contains(q.waiting, m) && !f.whole {
		return time.Time{} // dropped while it was sent
	}
	one := q.lanes[m.lane()]
	if f.whole {
		one = q.whole
	}
	one.failures++
	one.due = now.Add(max(q.pauses.After(one.failures), min(f.after, q.pauses.Most)))
	if f.whole {
		q.whole = one
	} else {
		q.whole = lane{} // the receiver answers
		q.lanes[m.lane()] = one
	}
	return one.due
}

// expire drops the messages that are too old, and returns them.
func (q *queue) expire(now time.Time) (old []*message) {
	for _, m := range q.waiting {
		if now.Sub(m.Event.Time) > q.age {
			old = append(old, m)
		}
	}
	for _, m := range old {
		q.remove(m)
	}
	return old
}

func (q *queue) remove(m *message) {
	at := slices.Index(q.waiting, m)
	if at < 0 {
		return // dropped while it was sent
	}
	q.waiting = slices.Delete(q.waiting, at, at+1)
	name := m.lane()
	if !slices.ContainsFunc(q.waiting, func(other *message) bool { return other.lane() == name }) {
		delete(q.lanes, name)
	}
}
