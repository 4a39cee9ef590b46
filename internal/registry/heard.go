package registry

import (
	"net/http"
	"sync"
)

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
	words := wordsOf(request, response)
	notes.mu.Lock()
	notes.status, notes.words = response.StatusCode, words
	notes.mu.Unlock()
	return response, nil
}
