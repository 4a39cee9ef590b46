package health

import (
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/test/harness"
)

// The bursts of the upstream.
const (
	burstEvery = 6 * time.Second // on average
	burstFor   = 800 * time.Millisecond
)

// burst is a moment in which an upstream is slow, or fails requests.
type burst struct {
	until time.Time
	fails bool
}

// noisy is an upstream with answers that vary. One server serves one Envoy, so its bursts
// concern this Envoy alone.
type noisy struct {
	mu   sync.Mutex
	r    *rand.Rand
	now  burst
	next time.Time
}

// startNoisy starts an upstream and returns its address.
func startNoisy(t harness.TB, seed uint64) string {
	n := &noisy{r: rand.New(rand.NewPCG(seed, 1)), next: time.Now()}
	server := httptest.NewServer(n)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

// ServeHTTP answers after a few milliseconds. One request in 500 fails.
func (n *noisy) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	wait, fails := n.draw(time.Now())
	time.Sleep(wait)
	if fails {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte(harness.Welcome))
}

func (n *noisy) draw(now time.Time) (wait time.Duration, fails bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.After(n.next) {
		n.now = burst{until: now.Add(burstFor), fails: n.r.IntN(2) == 0}
		n.next = now.Add(burstFor + time.Duration(n.r.ExpFloat64()*float64(burstEvery)))
	}
	wait = time.Duration(math.Exp(0.5*n.r.NormFloat64()) * float64(3*time.Millisecond))
	fails = n.r.IntN(500) == 0
	if now.Before(n.now.until) {
		if n.now.fails {
			fails = fails || n.r.IntN(10) == 0
		} else {
			wait *= 10
		}
	}
	return wait, fails
}
