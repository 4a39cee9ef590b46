package lobby

import (
	"testing"
	"time"
)

func at(seconds int) time.Time { return time.Unix(int64(seconds), 0) }

// The longest idle connections go first, and only after a while. Used connections stay.
func TestTheLongestIdleGoes(t *testing.T) {
	i := idle{most: 2}
	enter := func(host string, second int) *use {
		u := &use{host: host}
		i.change(u, 0, at(second))
		return u
	}
	a := enter("a", 0)
	i.change(a, 1, at(0))
	i.change(a, 1, at(0)) // two streams
	b, c := enter("a", 1), enter("a", 2)
	other := enter("b", 0)
	if !i.isFull("a") || i.isFull("b") {
		t.Error("each host has a limit of its own")
	}
	i.change(b, 1, at(3))
	i.change(b, -1, at(4)) // now c is the longest idle one
	if goes := i.takeLongest("a", 5, at(6)); len(goes) != 0 {
		t.Errorf("%+v go too early", goes)
	}
	if goes := i.takeLongest("a", 5, at(7)); len(goes) != 1 || goes[0] != c {
		t.Errorf("%+v go", goes)
	}
	i.change(c, 1, at(8))
	i.change(c, -1, at(9)) // a stream that ends after its connection
	i.change(a, -1, at(9))
	i.change(a, -1, at(10))
	if n := i.hosts["a"].Len(); n != 2 {
		t.Errorf("%d connections are idle", n)
	}
	for _, one := range []*use{a, b, c, other} {
		i.leave(one)
	}
	if len(i.hosts) != 0 {
		t.Errorf("%v are left", i.hosts)
	}
}
