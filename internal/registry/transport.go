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
	// maxWait is the longest pause that is waited for within a request. A registry
	// that asks for more gets it, too: until then every request fails at once.
	maxWait    = 20 * time.Second
	maxPenalty = time.Hour
	// penalty is for a registry that says 429 and not for how long.
	penalty  = 2 * time.Second
	maxWords = 8 << 10
)

// pauses are those before a request is sent again within a call.
var pauses = pause.Policy{First: 400 * time.Millisecond, Most: maxWait, Jitter: 0.5}

// rateLimitError is a 429, or what it was that a request was not sent because of.
type rateLimitError struct {
	host  string
	words string
	until time.Time
}

// Error says how long the registry wants to be left alone.
func (e *rateLimitError) Error() string {
	return fmt.Sprintf("%s wants no more requests for %v", e.host, e.wait())
}

func (e *rateLimitError) wait() time.Duration {
	return max(time.Until(e.until).Round(time.Second), time.Second)
}

// report tells a caller that its request waits.
func (e *rateLimitError) report(ctx context.Context) {
	transfer.Report(ctx, transfer.Wait{Why: e.host + " is asked too often", Until: e.until})
}

// rateLimits remembers until when each host wants to be left alone, so that a
// hundred modules of one registry do not ask a hundred times.
type rateLimits struct {
	base  http.RoundTripper
	mu    sync.Mutex
	until map[string]time.Time
}

// RoundTrip sends the request unless its host wants none now, and makes a 429 an error.
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

// policy says after which failures a request is sent again, and when.
type policy struct{}

// Retry is oras' interface: a negative time means never.
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

// heard is the last refusal that a registry answered while [Client.With] ran.
type heard struct {
	mu     sync.Mutex
	status int
	words  string
}

type heardKey struct{}

// listener notes what refusals say: some of oras' errors do not keep it.
type listener struct{ base http.RoundTripper }

// RoundTrip is base's.
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

// wantsTLS is what is heard of a registry that was asked over plain HTTP and speaks HTTPS.
const wantsTLS = "it speaks HTTPS, and plain HTTP was expected"

// wordsOf reads a refusal's own words, and leaves them in the body for whoever
// reads it next.
func wordsOf(response *http.Response) string {
	start, err := io.ReadAll(io.LimitReader(response.Body, maxWords))
	response.Body = &rest{Reader: io.MultiReader(bytes.NewReader(start), response.Body), Closer: response.Body}
	if err != nil {
		return ""
	}
	var body struct {
		Errors []struct{ Code, Message string } `json:"errors"`
		// What token servers answer.
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

// clean makes a stranger's words fit for a terminal and a log.
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
