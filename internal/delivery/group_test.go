package delivery

import (
	"fmt"
	"testing"
)

// Each of a group's trials has canaries of its own, whatever their number. If there is no room for
// another trial, the oldest ends.
func TestTrials(t *testing.T) {
	const room = 16
	g, f := &group{}, &filter{}
	for range 3 {
		g.subs = append(g.subs, &sub{f: f, group: g})
	}
	for i := range room + 1 {
		g.addTrial(fmt.Sprint(i), g.subs[i%2])
		g.addTrial(fmt.Sprint(i), g.subs[i%2])
	}
	if n := len(g.trials); n != room || g.trial("0") != nil {
		t.Errorf("%d trials", n)
	}
	for i := 1; i <= room; i++ {
		id := fmt.Sprint(i)
		if one := g.trial(id); g.canaries(id) != 1 || !one.has(g.subs[i%2]) || one.has(g.subs[1-i%2]) || one.has(g.subs[2]) {
			t.Errorf("trial %d: %+v", i, one)
		}
	}
	g.endTrial("2")
	g.addTrial("new", g.subs[2])
	if one := g.trial("new"); !one.has(g.subs[2]) || one.has(g.subs[0]) || g.canaries("2") != 0 || g.canaries("4") != 1 {
		t.Errorf("a trial that has the place of another: %+v", one)
	}
	(&Machine{}).leave(g.subs[2])
	if g.canaries("new") != 0 || g.canaries("4") != 1 {
		t.Error("who has left is a canary still")
	}
}
