package lobby

import (
	"fmt"
	"testing"
)

func TestLimitsOfAllConnections(t *testing.T) {
	c := newCounts(Limits{Connections: 3, PerHost: 2, IdlePerHost: 9})
	var entered []*use
	for i, one := range []struct {
		host string
		want Limit
	}{{"a", ""}, {"a", ""}, {"a", PerHost}, {"b", ""}, {"b", Connections}} {
		limit, _ := c.judge(one.host)
		if limit != one.want {
			t.Errorf("connection %d of %s: %q", i, one.host, limit)
		}
		if limit == "" {
			u := &use{host: one.host}
			c.enter(u, at(0))
			entered = append(entered, u)
		}
	}
	for _, u := range entered {
		c.leave(u)
	}
	if c.all != 0 || len(c.hosts) != 0 {
		t.Errorf("%d left, %v", c.all, c.hosts)
	}
}

// The connections of a crowd come in by the order of their arrival, and other hosts do not wait.
func TestACrowdWaits(t *testing.T) {
	c := newCounts(Limits{Connections: 100, PerHost: 100, IdlePerHost: 2})
	var inside []*use
	enter := func(host string) {
		u := &use{host: host}
		c.enter(u, at(0))
		inside = append(inside, u)
	}
	enter("a")
	enter("a")
	for i := range 3 {
		if limit, most := c.judge("a"); limit != IdlePerHost || most != 2 {
			t.Fatalf("%s, %d", limit, most)
		}
		c.wait("a", waiter{client: fmt.Sprint("a:", i), since: at(i)})
	}
	if limit, _ := c.judge("b"); limit != "" {
		t.Errorf("b waits behind a: %s", limit)
	}
	if _, ok := c.next("a"); ok {
		t.Error("one comes in, and nobody has made room")
	}
	c.idle.change(inside[0], 1, at(1))
	next, ok := c.next("a")
	if !ok || next.client != "a:0" {
		t.Errorf("%+v, %t", next, ok)
	}
	if limit, _ := c.judge("a"); limit != IdlePerHost {
		t.Errorf("a new one passes those that wait: %q", limit)
	}
	enter("a")
	late, idle := c.turn(at(4))
	if len(late)+len(idle) != 0 {
		t.Errorf("%v and %v go too early", late, idle)
	}
	late, idle = c.turn(at(21)) // a:1 has waited for twenty seconds
	if len(late) != 1 || late[0].client != "a:1" || len(idle) != 1 || idle[0] != inside[1] {
		t.Errorf("%v and %v", late, idle)
	}
	if rest := c.takeWaiting(); len(rest) != 1 || c.waits != 0 || len(c.waiting) != 0 {
		t.Errorf("%v, and %d wait", rest, c.waits)
	}
}

func TestTheLobbyIsBounded(t *testing.T) {
	c := newCounts(Limits{})
	for range mostWaiting {
		c.wait("a", waiter{})
	}
	if c.wait("b", waiter{}) {
		t.Error("one too many waits")
	}
}
