package control

import (
	"context"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// inboxLength is how many messages wait before the sender of another one waits, too.
const inboxLength = 1024

// eventsAtOnce and beginningsAtOnce are how many events and beginnings the owner takes before it
// looks for messages again. A beginning costs as much as ten answers.
const (
	eventsAtOnce     = 64
	beginningsAtOnce = 8
)

// inbox has the messages for Run's goroutine, in three lanes. The owner takes the lanes in this
// order, and a bounded number from each, so no lane keeps the others waiting:
//
//   - messages come from the server itself and from its users. Their number is small.
//   - events come from the network: answers, ends of streams, GETs and their questions.
//   - beginnings are streams with their first requests, and requests for further names. They come
//     from the network as fast as clients like.
//
// The lanes of the network have no buffer: a sender goes on when the owner has taken its event. So
// the events of a stream stay in order whatever the lane, and the owner takes no event of a stream
// that has ended meanwhile. Any goroutine may use the inbox.
type inbox struct {
	messages   chan any
	events     chan any // a delivery.Event, or a question
	beginnings chan []delivery.Event
	done       chan struct{} // closed when nobody takes messages any more
}

func newInbox() *inbox {
	return &inbox{
		messages: make(chan any, inboxLength), events: make(chan any), beginnings: make(chan []delivery.Event), done: make(chan struct{}),
	}
}

// post hands over a message, and says whether it will be taken: not after the end of Run.
func (in *inbox) post(message any) bool {
	select {
	case in.messages <- message:
		return true
	case <-in.done:
		return false
	}
}

// event waits until an event is taken; false: Run or ctx has ended before.
func (in *inbox) event(ctx context.Context, e delivery.Event) bool {
	return offer(ctx, in.done, in.events, any(e))
}

// begin is event for a beginning.
func (in *inbox) begin(ctx context.Context, b []delivery.Event) bool {
	return offer(ctx, in.done, in.beginnings, b)
}

func offer[T any](ctx context.Context, done <-chan struct{}, to chan<- T, value T) bool {
	select {
	case to <- value:
		return true
	case <-ctx.Done():
		return false
	case <-done:
		return false
	}
}

// waiting takes the waiting messages that are due before another look at the clock.
func (in *inbox) waiting(take func(any)) {
	for range len(in.messages) {
		take(<-in.messages)
	}
	for range eventsAtOnce {
		select {
		case e := <-in.events:
			take(e)
			continue
		default:
		}
		break
	}
	for range beginningsAtOnce {
		select {
		case b := <-in.beginnings:
			take(b)
			continue
		default:
		}
		break
	}
}

// question is a message with a function to run on Run's goroutine. The function may start slow
// work in its context.
type question struct {
	run      func(context.Context)
	answered chan struct{}
}

// ask runs a function on Run's goroutine, and returns after its end; false: Run has ended.
func (in *inbox) ask(run func(context.Context)) bool {
	q := question{run, make(chan struct{})}
	if !in.post(q) {
		return false
	}
	select {
	case <-q.answered:
		return true
	case <-in.done:
		return false
	}
}

// askForClient is ask for a client in the network. Its question waits with the events.
func (in *inbox) askForClient(ctx context.Context, run func(context.Context)) bool {
	q := question{run, make(chan struct{})}
	select {
	case in.events <- q:
	case <-ctx.Done():
		return false
	case <-in.done:
		return false
	}
	select {
	case <-q.answered:
		return true
	case <-in.done:
		return false
	}
}
