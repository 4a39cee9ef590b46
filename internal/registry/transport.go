package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
)

const (
	maxTries = 4
	// maxWait is the longest pause within a request. If a registry asks for a longer pause, every
	// request fails at once until the pause ends.
	maxWait    = 20 * time.Second
	maxPenalty = time.Hour
	// penalty is the pause after a 429 without a Retry-After.
	penalty = 2 * time.Second
)

// pauses are the pauses between the attempts of one call.
var pauses = pause.Policy{First: 400 * time.Millisecond, Most: maxWait, Jitter: 0.5}

// rateLimitError is a 429, or the earlier 429 because of which a request was not sent.
type rateLimitError struct {
	host  string
	words string
	until time.Time
}

// Error says how long the registry asks for a pause.
func (e *rateLimitError) Error() string {
	return fmt.Sprintf("%s wants no more requests for %v", e.host, e.wait())
}

func (e *rateLimitError) wait() time.Duration {
	return max(time.Until(e.until).Round(time.Second), time.Second)
}

// report tells the caller that the request waits.
func (e *rateLimitError) report(ctx context.Context) {
	transfer.Report(ctx, transfer.Wait{Why: e.host + " is asked too often", Until: e.until})
}

// rateLimits remembers the end of the pause that each host asked for. So a hundred modules of one
// registry do not send a hundred requests during the pause.
// See docs/RATIONALE.md#why-does-a-429-pause-the-whole-registry.
type rateLimits struct {
	base  http.RoundTripper
	mu    sync.Mutex
	until map[string]time.Time
}

// RoundTrip sends the request unless its host asked for a pause, and turns a 429 into an error.
func (l *rateLimits) RoundTrip(request *http.Request) (*http.Response, error) {
	host := request.URL.Host
	if limited := l.limited(host); limited != nil {
		limited.report(request.Context())
		if request.Body != nil {
			request.Body.Close()
		}
		return nil, limited
	}
	response, err := l.base.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusTooManyRequests {
		return response, err
	}
	wait := pause.RetryAfter(response.Header.Get("Retry-After"), time.Now())
	if wait <= 0 {
		wait = penalty
	}
	limited := &rateLimitError{host: host, words: wordsOf(request, response), until: time.Now().Add(min(wait, maxPenalty))}
	response.Body.Close()
	l.mu.Lock()
	l.until[host] = limited.until
	l.mu.Unlock()
	limited.report(request.Context())
	return nil, limited
}

func (l *rateLimits) limited(host string) *rateLimitError {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.until[host]
	if !ok {
		return nil
	}
	if !time.Now().Before(until) {
		delete(l.until, host)
		return nil
	}
	return &rateLimitError{host: host, until: until}
}

// policy decides after which failures a request is sent again, and when.
type policy struct{}

// Retry implements the interface of oras: a negative duration means never.
func (policy) Retry(attempt int, response *http.Response, err error) (time.Duration, error) {
	if attempt+1 >= maxTries {
		return -1, nil
	}
	limited := &rateLimitError{}
	if errors.As(err, &limited) {
		wait := time.Until(limited.until)
		if wait > maxWait {
			return -1, nil
		}
		return max(wait, 0) + pauses.After(1), nil
	}
	again := false
	if err != nil {
		var timeout net.Error
		again = errors.As(err, &timeout) && timeout.Timeout() && !errors.Is(err, context.DeadlineExceeded) ||
			errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	} else {
		switch response.StatusCode {
		case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
			http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			again = true
		}
	}
	if !again {
		return -1, nil
	}
	return pauses.After(attempt + 1), nil
}
