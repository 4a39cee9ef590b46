package inflow

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

func TestHostOf(t *testing.T) {
	for client, host := range map[string]string{
		"10.0.0.1:5": "10.0.0.1", "unix": "unix", "[2001:db8:1:2:3::4]:5": "2001:db8:1:2::/64", "[::ffff:10.0.0.1]:5": "::ffff:10.0.0.1",
		"[fe80::1%eth0]:5": "fe80::/64", "": "",
	} {
		if got := HostOf(client); got != host {
			t.Errorf("%s: %s, want %s", client, got, host)
		}
	}
}

func TestWaits(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newRate(100)
	for i, tt := range []struct {
		n    int
		wait time.Duration
		may  bool
	}{
		{1000, 0, true},
		{50, 500 * time.Millisecond, true},
		{400, 4500 * time.Millisecond, true},
		{100, 5500 * time.Millisecond, false}, // and takes nothing
		{50, 5 * time.Second, true},
		{5000, rate.InfDuration, false}, // more than can ever be there
	} {
		if wait, may := reserve(r, tt.n, now); wait != tt.wait || may != tt.may {
			t.Errorf("%d: %s, %t", i, wait, may)
		}
	}
	if wait, may := reserve(r, 1, now.Add(5*time.Second)); wait != 10*time.Millisecond || !may {
		t.Errorf("later: %s, %t", wait, may)
	}
}

// A returning host keeps the rate, and the hosts are bounded.
func TestHostsAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	h := hosts{perSecond: 10}
	h.of("busy", now).ReserveN(now, 50)
	for i := range 3 * mostHosts {
		h.of(fmt.Sprint("host-", i), now)
	}
	if len(h.rates) > mostHosts {
		t.Errorf("%d hosts are remembered", len(h.rates))
	}
	if r := h.of("busy", now); r.TokensAt(now) > 60 {
		t.Errorf("the busy host has a new rate with %v", r.TokensAt(now))
	}
}
