package xds

import (
	"slices"
	"testing"
)

// drained are the responses in a watch, which the loop takes in turn.
func drained(q *queue[string], watch chan string, goesOn bool) (got []string) {
	for {
		select {
		case r := <-watch:
			q.take(goesOn)
			got = append(got, r)
		default:
			return got
		}
	}
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%q went out, want %q", got, want)
	}
}

// A SotW watch is for one response. A response that the loop gives up with a watch goes into the
// next watch.
func TestQueueOfSotW(t *testing.T) {
	q := &queue[string]{}
	q.put("a")
	q.put("b")
	given := make(chan string, 1)
	q.open(given, true)
	q.close() // a request comes before the loop takes the response
	watch := make(chan string, 1)
	q.open(watch, true)
	expect(t, drained(q, watch, false), "a")
	expect(t, drained(q, watch, false)) // the client has not asked since
	q.open(watch, true)
	expect(t, drained(q, watch, false), "b")
	q.put("c")
	expect(t, drained(q, watch, false))
	q.open(watch, true)
	expect(t, drained(q, watch, false), "c")
}

// A delta watch goes on, over requests too, and no response is in it twice.
func TestQueueOfDelta(t *testing.T) {
	q, watch := &queue[string]{}, make(chan string, 16)
	q.put("a")
	q.open(watch, false)
	q.put("b")
	q.close()
	q.put("c")
	q.open(watch, false)
	expect(t, drained(q, watch, true), "a", "b", "c")
	q.close()
	q.put("d")
	expect(t, drained(q, watch, true))
	q.open(watch, false)
	expect(t, drained(q, watch, true), "d")
}

// A full channel loses nothing, and blocks nobody.
func TestQueueOfAFullWatch(t *testing.T) {
	q, watch := &queue[string]{}, make(chan string)
	q.open(watch, false)
	q.put("a")
	roomy := make(chan string, 1)
	q.open(roomy, false)
	expect(t, drained(q, roomy, true), "a")
}
