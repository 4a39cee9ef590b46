package delivery

import (
	"fmt"
	"testing"
)

// Each of a group's trials has canaries of its own, whatever their number. If there is no room for
// another trial, the oldest ends.
func TestTrials(t *testing.T) {
	const room = 16
	f := &filter{}
	g := &group{f: f}
	for range 3 {
		g.add(&sub{f: f})
	}
	for i := range room + 1 {
		g.addCanary(fmt.Sprint(i), g.subs[i%2])
		g.addCanary(fmt.Sprint(i), g.subs[i%2])
	}
	if n := len(g.trials); n != room || g.trials.of("0") != nil {
		t.Errorf("%d trials", n)
	}
	has := func(t *trial, i int) bool { return t.has(g.subs[i].badge) }
	for i := 1; i <= room; i++ {
		id := fmt.Sprint(i)
		if one := g.trials.of(id); g.trials.size(id) != 1 || !has(one, i%2) || has(one, 1-i%2) || has(one, 2) {
			t.Errorf("trial %d: %+v", i, one)
		}
	}
	g.endTrial("2")
	g.addCanary("new", g.subs[2])
	if one := g.trials.of("new"); !has(one, 2) || has(one, 0) || g.trials.size("2") != 0 || g.trials.size("4") != 1 {
		t.Errorf("a trial that has the place of another: %+v", one)
	}
	g.remove(g.subs[2])
	if g.trials.size("new") != 0 || g.trials.size("4") != 1 {
		t.Error("who has left is a canary still")
	}
}
