// Package transfer bounds what is fetched over HTTP: how many requests are under way at a time,
// for each host and in all, and how slowly a server may send. It also tells a caller what a
// request waits for.
package transfer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// What is under way at a time. Downloads and questions, which are small, have places of their
// own: a slow server must not keep a tag from being looked at.
const (
	perHost = 4
	inAll   = 64
)

// Gate bounds the requests of the transports that it wraps. The zero value is ready, and it is
// safe for concurrent use. A request holds a place from when it is sent until its answer has been
// read. It holds none while it waits to be tried again.
type Gate struct {
	downloads, questions lane
}

type questionKey struct{}

// Question marks the requests of a context as small ones, which have places of their own.
func Question(ctx context.Context) context.Context {
	return context.WithValue(ctx, questionKey{}, true)
}

// Wrap is base with the gate before it; nil is [http.DefaultTransport].
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

// RoundTrip waits for a place and sends the request. Its answer's body fails with [ErrStalled] or
// [ErrSlow] when the server sends nothing or too little.
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
		// A refusal is small, and who reads it may wait before the next try.
		leave()
	}
	response.Body = newBody(ctx, cancel, response.Body, leave)
	return response, nil
}

// lane is the places for one kind of requests. Who came first is served first, unless its host
// has all that it may.
type lane struct {
	mu      sync.Mutex
	all     int
	hosts   map[string]int
	waiting []*waiter
}

type waiter struct {
	host  string
	ready chan struct{} // closed when it has its place
}

// enter waits for a place, or for the end of ctx, whose cause it returns then.
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
		l.free(host) // it had got its place
	}
	return context.Cause(ctx)
}

func (l *lane) leave(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free(host)
}

// room, take and free are called with mu held.
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
