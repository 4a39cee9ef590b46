package control

import "context"

// inboxLength is how many messages wait before the sender of another one waits, too.
const inboxLength = 1024

// inbox has the messages for Run's goroutine. Any goroutine may use it.
type inbox struct {
	messages chan any
	done     chan struct{} // closed when nobody takes messages any more
}

func newInbox() *inbox {
	return &inbox{messages: make(chan any, inboxLength), done: make(chan struct{})}
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
