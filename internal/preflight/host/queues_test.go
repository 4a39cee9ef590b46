package host

import "testing"

// A module hears only of the queues that it has registered, and other plugins take the messages of
// the other queues.
func TestQueuesOfOtherPlugins(t *testing.T) {
	var ready []uint32
	i := newInstance(Config{VMID: "shared"}, "0.2.1", nil, nil)
	q := &i.functions.queues
	q.ready = func(token uint32) { ready = append(ready, token) }
	q.foreign("other")
	q.all = append(q.all, &queue{name: "own", registered: true})

	if _, ok := q.deliver("other", []byte("x")); ok {
		t.Error("the module gets messages of a queue that it has not registered")
	}
	if _, ok := q.deliver("missing", []byte("x")); ok {
		t.Error("the module gets messages of a queue that nobody has registered")
	}
	token, ok := q.deliver("own", []byte("x"))
	if !ok || token != 2 || len(q.all[1].items) != 1 {
		t.Errorf("the message of the module's own queue: token %d, %v", token, ok)
	}
	if got := q.tokens(); len(got) != 1 || got[0] != 2 {
		t.Errorf("the module hears of the queues %v", got)
	}

	before := i.budget.stored
	for _, one := range q.all[:1] {
		one.put = append(one.put, []byte("message"))
	}
	q.budget.store(len("message") + perItem)
	if got := q.taken("other"); len(got) != 1 || string(got[0]) != "message" {
		t.Errorf("messages of the module: %q", got)
	}
	q.forget()
	if got := q.taken("other"); got != nil || i.budget.stored != before {
		t.Errorf("forgotten messages are there: %q, with %d bytes", got, i.budget.stored-before)
	}
}
