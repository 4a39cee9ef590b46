package peer

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// NewKey returns a new random key, with which peers ask this process.
func NewKey() string { return rand.Text() }

const scheme = "Bearer "

// hasKey says whether a request has the key. The time of the answer tells nothing about the key.
func hasKey(r *http.Request, key string) bool {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), scheme)
	if !ok || key == "" {
		return false
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(key))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
