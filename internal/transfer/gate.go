// Package transfer limits fetches over HTTP: the number of concurrent requests, per host and in
// total, and how slowly a server may send. It also reports to the caller why a request waits.
//
// gate.go wraps a transport: a request waits for a place in a lane, then body.go watches the speed
// of the answer. report.go carries the reason for a wait to the caller, through the request's
// context.
package transfer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// The limits of concurrent requests. Downloads have places of their own, and so have small requests
// like the look-up of a tag. So a slow download does not delay the look-up of a tag.
const (
	perHost = 4
	inAll   = 64
)

// Gate limits the requests of the transports that it wraps. The zero value is ready for use. A Gate
// is safe for concurrent use. A request has a place from when it is sent until its answer has been
// read, and no place while it waits for a retry.
// See docs/RATIONALE.md#why-does-a-request-hold-a-place-and-not-a-download.
type Gate struct {
	downloads, questions lane
}

type questionKey struct{}

// Question marks the requests of a context as small. Small requests have places of their own.
func Question(ctx context.Context) context.Context {
	return context.WithValue(ctx, questionKey{}, true)
}

// Wrap returns a transport that passes each request through the gate to base. A nil base means
// [http.DefaultTransport].
func (g *Gate) Wrap(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &gated{gate: g, base: base}
}

type gated struct {
	gate *Gate
	base http.RoundTripper
}

// RoundTrip waits for a place and sends the request. The body of the answer fails with [ErrStalled]
// or [ErrSlow] if the server sends nothing or too little.
func (t *gated) RoundTrip(request *http.Request) (*http.Response, error) {
	lane := &t.gate.downloads
	if small, _ := request.Context().Value(questionKey{}).(bool); small {
		lane = &t.gate.questions
	}
	host := request.URL.Host
	if err := lane.enter(request.Context(), host); err != nil {
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, err
	}
	Report(request.Context(), Wait{})
	leave := sync.OnceFunc(func() { lane.leave(host) })
	ctx, cancel := context.WithCancelCause(request.Context())
	response, err := t.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		leave()
		cancel(nil)
		return nil, err
	}
	response.Request = request
	if response.StatusCode >= http.StatusMultipleChoices || response.Body == http.NoBody {
		// A refusal is small, and its reader may wait before the next attempt.
		leave()
	}
	response.Body = newBody(ctx, cancel, response.Body, leave)
	return response, nil
}

// lane has the places for one kind of request. Waiting requests get places in the order of their
// arrival, but a request for a host at its limit lets later requests pass.
type lane struct {
	mu      sync.Mutex
	all     int
	hosts   map[string]int
	waiting []*waiter
}

type waiter struct {
	host  string
	ready chan struct{} // closed when the request has its place
}

// enter waits for a place. If ctx ends first, enter returns the cause.
func (l *lane) enter(ctx context.Context, host string) error {
	l.mu.Lock()
	if l.room(host) {
		l.take(host)
		l.mu.Unlock()
		return nil
	}
	w := &waiter{host: host, ready: make(chan struct{})}
	l.waiting = append(l.waiting, w)
	why := fmt.Sprintf("%d other downloads are under way", l.all)
	if n := l.hosts[host]; n >= perHost {
		why = fmt.Sprintf("%d other downloads from %s are under way", n, host)
	}
	l.mu.Unlock()
	Report(ctx, Wait{Why: why})
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at := slices.Index(l.waiting, w); at >= 0 {
		l.waiting = slices.Delete(l.waiting, at, at+1)
	} else {
		l.free(host) // the place was assigned in the meantime
	}
	return context.Cause(ctx)
}

func (l *lane) leave(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free(host)
}

// The caller of room, take and free must hold mu.
func (l *lane) room(host string) bool { return l.all < inAll && l.hosts[host] < perHost }

func (l *lane) take(host string) {
	if l.hosts == nil {
		l.hosts = map[string]int{}
	}
	l.all++
	l.hosts[host]++
}

func (l *lane) free(host string) {
	l.all--
	if l.hosts[host]--; l.hosts[host] == 0 {
		delete(l.hosts, host)
	}
	for i := 0; i < len(l.waiting) && l.all < inAll; {
		w := l.waiting[i]
		if !l.room(w.host) {
			i++
			continue
		}
		l.take(w.host)
		l.waiting = slices.Delete(l.waiting, i, i+1)
		close(w.ready)
	}
}
