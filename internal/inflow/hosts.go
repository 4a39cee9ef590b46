package inflow

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/wasm-xds/wasm-xds/internal/address"
)

// burstSeconds is how many seconds' worth of streams a client may open at once, after a rest.
const burstSeconds = 10

// mostHosts bounds the remembered hosts.
const mostHosts = 10_000

// hosts has the rates of hosts. A host keeps the rate after the last connection, so nobody gets a
// new rate by connecting anew. Any goroutine may call the methods.
type hosts struct {
	perSecond int

	mu    sync.Mutex
	rates map[string]*rate.Limiter
}

// of returns the rate of a host.
func (h *hosts) of(host string, now time.Time) *rate.Limiter {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.rates[host]; known != nil {
		return known
	}
	if h.rates == nil {
		h.rates = map[string]*rate.Limiter{}
	}
	if len(h.rates) >= mostHosts {
		h.makeRoom(now)
	}
	made := newRate(h.perSecond)
	h.rates[host] = made
	return made
}

// makeRoom forgets the rested hosts, or else any host.
func (h *hosts) makeRoom(now time.Time) {
	for host, one := range h.rates {
		if one.TokensAt(now) >= float64(one.Burst()) {
			delete(h.rates, host)
		}
	}
	for host := range h.rates {
		if len(h.rates) < mostHosts {
			return
		}
		delete(h.rates, host)
	}
}

func newRate(perSecond int) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), burstSeconds*perSecond)
}

// mostWait is the longest wait for a stream. A client with a longer wait is disconnected.
const mostWait = 5 * time.Second

// reserve takes n from a rate, and returns how long to wait for them. If the wait would be too
// long, reserve takes nothing and returns false.
func reserve(r *rate.Limiter, n int, now time.Time) (time.Duration, bool) {
	taken := r.ReserveN(now, n) // of more than a burst, the wait has no end
	wait := taken.DelayFrom(now)
	if wait > mostWait {
		taken.CancelAt(now)
		return wait, false
	}
	return wait, true
}

// HostOf returns the host of a client. A network of IPv6 with 64 bits is a single host, because a
// client with an address there usually has the whole network.
func HostOf(client string) string {
	host := address.Host(client)
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is6() || ip.Is4In6() {
		return host
	}
	const bits = 64
	prefix, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return host
	}
	return prefix.String()
}
