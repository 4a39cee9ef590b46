package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"github.com/wasm-xds/wasm-xds/internal/certs"
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
	penalty  = 2 * time.Second
	maxWords = 8 << 10
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
	limited := &rateLimitError{host: host, words: wordsOf(response), until: time.Now().Add(min(wait, maxPenalty))}
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

// heard is the last refusal of a registry during a [Client.With].
type heard struct {
	mu     sync.Mutex
	status int
	words  string
}

type heardKey struct{}

// listener records the messages of refusals, because some errors of oras drop them.
type listener struct{ base http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l *listener) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.base.RoundTrip(request)
	notes, ok := request.Context().Value(heardKey{}).(*heard)
	if err != nil || !ok || response.StatusCode < http.StatusBadRequest {
		return response, err
	}
	words := wordsOf(response)
	notes.mu.Lock()
	notes.status, notes.words = response.StatusCode, words
	notes.mu.Unlock()
	return response, nil
}

// wantsTLS is the message for a registry that speaks HTTPS on a port where plain HTTP is expected.
const wantsTLS = "it speaks HTTPS, and plain HTTP was expected"

// wordsOf returns the message of a refusal, and leaves the body readable for the next reader.
func wordsOf(response *http.Response) string {
	start, err := io.ReadAll(io.LimitReader(response.Body, maxWords))
	response.Body = &rest{Reader: io.MultiReader(bytes.NewReader(start), response.Body), Closer: response.Body}
	if err != nil {
		return ""
	}
	var body struct {
		Errors []struct{ Code, Message string } `json:"errors"`
		// The field in answers of token servers.
		Details string `json:"details"`
	}
	if json.Unmarshal(start, &body) != nil {
		if certs.WantsTLS(string(start)) {
			return wantsTLS
		}
		return ""
	}
	var all []string
	for _, e := range body.Errors {
		all = append(all, join(spaced(e.Code), e.Message))
	}
	if len(all) == 0 {
		all = append(all, body.Details)
	}
	return clean(strings.Join(all, "; "))
}

type rest struct {
	io.Reader
	io.Closer
}

func join(code, message string) string {
	switch {
	case message == "" || strings.EqualFold(code, message):
		return code
	case code == "":
		return message
	default:
		return code + ": " + message
	}
}

func spaced(code string) string { return strings.ToLower(strings.ReplaceAll(code, "_", " ")) }

// clean makes a foreign message safe for a terminal and a log.
func clean(words string) string {
	const most = 300
	words = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, words)
	words = strings.Join(strings.Fields(words), " ")
	if runes := []rune(words); len(runes) > most {
		words = string(runes[:most]) + "…"
	}
	return words
}
