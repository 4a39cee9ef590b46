package webhook

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// testLimits have pauses of 1, 2, 4 and 8 seconds.
var testLimits = limits{most: 4, age: time.Minute, pauses: pause.Policy{First: time.Second, Most: 8 * time.Second}}

func messageOf(filter string, number int) *message {
	return &message{ID: fmt.Sprintf("%s-%d", filter, number), Event: api.Event{Type: api.EventLive, Name: filter, Time: t0}}
}

// due is the id of the message that is due, or the pause.
func (q *queue) dueAt(now time.Time) string {
	m, wake := q.next(now)
	switch {
	case m != nil:
		return m.ID
	case wake.IsZero():
		return "none"
	default:
		return wake.Sub(now).String()
	}
}

func TestAFilterKeepsItsOrderAndDelaysNoOther(t *testing.T) {
	q := newQueue(testLimits)
	a1, a2, b1 := messageOf("a", 1), messageOf("a", 2), messageOf("b", 1)
	for _, m := range []*message{a1, a2, b1} {
		q.add(m)
	}
	steps := []struct {
		after time.Duration
		want  string
		then  func(now time.Time)
	}{
		{0, "a-1", func(now time.Time) { q.failed(a1, failure{}, now) }},
		{0, "b-1", func(time.Time) { q.taken(b1) }},
		{0, "1s", nil},
		{time.Second, "a-1", func(now time.Time) { q.failed(a1, failure{}, now) }},
		{time.Second, "2s", nil},
		{3 * time.Second, "a-1", func(time.Time) { q.taken(a1) }},
		{3 * time.Second, "a-2", func(time.Time) { q.taken(a2) }},
		{3 * time.Second, "none", nil},
	}
	for i, s := range steps {
		if got := q.dueAt(t0.Add(s.after)); got != s.want {
			t.Fatalf("step %d: %s is due, want %s", i, got, s.want)
		}
		if s.then != nil {
			s.then(t0.Add(s.after))
		}
	}
	if len(q.lanes) != 0 {
		t.Errorf("lanes are left: %v", q.lanes)
	}
}

func TestAReceiverThatIsAwayGetsOneTryAtATime(t *testing.T) {
	q := newQueue(testLimits)
	a, b := messageOf("a", 1), messageOf("b", 1)
	q.add(a)
	q.add(b)
	q.failed(a, failure{whole: true}, t0)
	if got := q.dueAt(t0); got != "1s" {
		t.Errorf("%s is due, want a pause of a second", got)
	}
	q.failed(a, failure{whole: true, after: 5 * time.Second}, t0.Add(time.Second))
	if got := q.dueAt(t0.Add(time.Second)); got != "5s" {
		t.Errorf("%s is due, want the pause that the receiver asks for", got)
	}
	q.failed(a, failure{whole: true, after: time.Hour}, t0.Add(6*time.Second))
	if got := q.dueAt(t0.Add(6 * time.Second)); got != "8s" {
		t.Errorf("%s is due, want the longest pause", got)
	}
	q.taken(a)
	if got := q.dueAt(t0.Add(6 * time.Second)); got != "b-1" {
		t.Errorf("%s is due, want the next message", got)
	}
}

func TestAFullQueueDropsItsOldestMessage(t *testing.T) {
	q := newQueue(testLimits)
	first := messageOf("a", 0)
	q.add(first)
	q.failed(first, failure{}, t0)
	for i := range 4 {
		if dropped := q.add(messageOf("b", i)); dropped != (i == 3) {
			t.Errorf("message %d: dropped %v", i, dropped)
		}
	}
	if slices.Contains(q.waiting, first) || len(q.waiting) != 4 || len(q.lanes) != 0 {
		t.Errorf("%d messages wait, and the lanes are %v", len(q.waiting), q.lanes)
	}
	q.failed(first, failure{}, t0) // it was on its way meanwhile
	q.taken(first)
	if len(q.waiting) != 4 || len(q.lanes) != 0 {
		t.Errorf("%d messages wait, and the lanes are %v", len(q.waiting), q.lanes)
	}
}

func TestOldMessagesAreGivenUp(t *testing.T) {
	q := newQueue(testLimits)
	q.add(messageOf("a", 1))
	if old := q.expire(t0.Add(time.Minute)); len(old) != 0 {
		t.Errorf("%d messages are given up too early", len(old))
	}
	if old := q.expire(t0.Add(time.Minute + 1)); len(old) != 1 || len(q.waiting) != 0 {
		t.Errorf("%d messages are given up, and %d wait", len(old), len(q.waiting))
	}
}

// TestQueueAtRandom holds the order of each lane and the bound of the queue against random
// failures.
func TestQueueAtRandom(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		q, now, last := newQueue(testLimits), t0, map[string]int{}
		for i := range 200 {
			name := string(rune('a' + random.IntN(3)))
			if random.IntN(2) == 0 {
				m := messageOf(name, i)
				m.Event.Time = now
				q.add(m)
			}
			q.expire(now)
			m, wake := q.next(now)
			switch {
			case m == nil && !wake.IsZero():
				if !wake.After(now) {
					t.Fatalf("seed %d: the pause until %v is over", seed, wake)
				}
				now = now.Add(time.Duration(random.Int64N(int64(wake.Sub(now)) + 1)))
			case m == nil:
			case random.IntN(2) == 0:
				q.failed(m, failure{whole: random.IntN(2) == 0}, now)
			default:
				number := 0
				if _, err := fmt.Sscanf(m.ID, m.Event.Name+"-%d", &number); err != nil || number < last[m.Event.Name] {
					t.Fatalf("seed %d: %s comes after %d", seed, m.ID, last[m.Event.Name])
				}
				last[m.Event.Name] = number
				q.taken(m)
			}
			if len(q.waiting) > q.most || len(q.lanes) > len(q.waiting) {
				t.Fatalf("seed %d: %d messages, %d lanes", seed, len(q.waiting), len(q.lanes))
			}
		}
	}
}
