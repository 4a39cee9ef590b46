package inflow

import (
	"fmt"
	"testing"
	"time"
)

// If all connections hold too much, the largest connection of the largest host goes.
func TestTheGreediestGoes(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, tt := range []struct {
		name string
		held map[string][]int64 // by host
		goes string             // host and place of the connection
	}{
		{"one host", map[string][]int64{"a": {500, 501}}, "a1"},
		{"many small ones of a host outweigh a large one", map[string][]int64{"a": {300, 300, 201}, "b": {200}}, ""},
		{"the host counts first", map[string][]int64{"a": {290, 310}, "b": {401}}, "a1"},
		{"below the limit", map[string][]int64{"a": {999}, "b": {1}}, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := pool{most: 1000, mostPerHost: 1000}
			names := map[*held]string{}
			var gone *held
			for host, all := range tt.held {
				for i, bytes := range all {
					h := &held{host: host}
					names[h] = fmt.Sprint(host, i)
					p.enter(h)
					if goes, _ := p.add(h, int(bytes), now); goes != nil {
						gone = goes
					}
				}
			}
			switch {
			case tt.goes == "none" && gone != nil, tt.goes != "none" && gone == nil:
				t.Errorf("gone: %v", names[gone])
			case tt.goes != "none" && tt.goes != "" && names[gone] != tt.goes:
				t.Errorf("gone: %v", names[gone])
			case tt.goes == "" && gone.host != "a":
				t.Errorf("gone: %v", names[gone])
			}
			if p.sum > p.most {
				t.Errorf("%d are held", p.sum)
			}
		})
	}
}

// Taken bytes are not held any more, and the remains of a connection are nobody's.
func TestTheSumOfAllIsKept(t *testing.T) {
	now := time.Unix(1000, 0)
	p := pool{most: 1000, mostPerHost: 1000}
	a, b := &held{host: "a"}, &held{host: "b"}
	p.enter(a)
	p.enter(b)
	p.open(a)
	p.open(a)
	p.add(a, 300, now)
	p.add(b, 100, now)
	p.take(a, 120, now)
	if p.sum != 280 || a.bytes != 180 {
		t.Errorf("%d of %d", a.bytes, p.sum)
	}
	p.take(b, 500, now) // more than b holds
	p.close(a)
	if p.sum != 180 || b.bytes != 0 {
		t.Errorf("%d in all, %d of b", p.sum, b.bytes)
	}
	p.close(a) // the last stream
	if p.sum != 0 || a.bytes != 0 {
		t.Errorf("%d in all, %d of a", p.sum, a.bytes)
	}
	p.add(b, 100, now)
	p.leave(b)
	p.leave(b)
	p.take(b, 100, now)
	if goes, _ := p.add(b, 5000, now); p.sum != 0 || goes != nil {
		t.Errorf("%d in all, %v goes", p.sum, goes)
	}
}

// A connection with many held bytes and no progress is late. A few bytes may stay.
func TestLateConnections(t *testing.T) {
	now := time.Unix(1000, 0)
	p := pool{most: 1 << 30, mostPerHost: 1 << 30, patience: 30 * time.Second}
	stuck, busy, small := &held{host: "stuck"}, &held{host: "busy"}, &held{host: "small"}
	for _, h := range []*held{stuck, busy, small} {
		p.enter(h)
	}
	p.add(stuck, fewBytes+1, now)
	p.add(busy, fewBytes+2, now)
	p.add(small, fewBytes, now)
	p.add(stuck, 1, now.Add(29*time.Second)) // trickling does not count
	p.take(busy, 1, now.Add(29*time.Second))
	if late := p.late(now.Add(30 * time.Second)); len(late) != 0 {
		t.Errorf("%d are late too early", len(late))
	}
	late := p.late(now.Add(31 * time.Second))
	if len(late) != 1 || late[0] != stuck || p.sum != 2*fewBytes+1 {
		t.Errorf("%d are late, %d bytes are held", len(late), p.sum)
	}
}
