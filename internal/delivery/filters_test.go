package delivery

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Names come and go and come again, and the list has exactly the present names.
func TestNamesAreInOrder(t *testing.T) {
	const names = 40
	rng := rand.New(rand.NewPCG(1, 2))
	m := New(Config{Substitutes: realStandIns{}}, Memory{}, time.Unix(1000, 0))
	wanted := map[string]struct{}{}
	stream := StreamID(0)
	open := map[string]StreamID{}
	for range 3000 {
		name := fmt.Sprintf("filter-%02d", rng.IntN(names))
		if id, ok := open[name]; ok {
			m.Step(m.step.now, StreamClosed{Stream: id}) // no other stream asks for the name
			delete(open, name)
			delete(wanted, name)
		} else {
			stream++
			m.Step(m.step.now, StreamOpened{Stream: stream, Node: Node{ID: "edge", Version: "1.40.0"}, Delta: true})
			m.Step(m.step.now, Requested{Stream: stream, Subscribe: []Subscription{{Name: name}}})
			open[name] = stream
			wanted[name] = struct{}{}
		}
		if n := len(m.filters.ordered); n > 2*names+fewKeys+1 {
			t.Fatalf("%d filters are kept of %d", n, len(wanted))
		}
		if rng.IntN(100) == 0 {
			if got := m.Names(); !slices.Equal(got, slices.Sorted(maps.Keys(m.filters.byName))) || len(got) < len(wanted) {
				t.Fatalf("%v are not %v", got, slices.Sorted(maps.Keys(wanted)))
			}
		}
	}
}
