package netguard

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrRedirect marks the error of a refused redirect.
var ErrRedirect = errors.New("redirect refused")

const maxRedirects = 10

// CheckRedirect is the http.Client.CheckRedirect for fetches that a spec asks for. It allows at
// most ten redirects, and none from https to another scheme.
func CheckRedirect(next *http.Request, before []*http.Request) error {
	if len(before) > maxRedirects {
		return fmt.Errorf("%w: more than %d", ErrRedirect, maxRedirects)
	}
	if before[len(before)-1].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("%w: from https to %s", ErrRedirect, next.URL.Scheme)
	}
	// The client sets the last URL as the Referer, and the URL's query may be a secret.
	next.Header.Del("Referer")
	return nil
}
