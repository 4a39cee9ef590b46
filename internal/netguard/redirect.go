package netguard

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrRedirect is what the error of a redirect is that is not followed.
var ErrRedirect = errors.New("redirect refused")

const maxRedirects = 10

// CheckRedirect is the CheckRedirect of clients that fetch what a spec names: ten
// redirects at most, and none from https to anything else.
func CheckRedirect(next *http.Request, before []*http.Request) error {
	if len(before) > maxRedirects {
		return fmt.Errorf("%w: more than %d", ErrRedirect, maxRedirects)
	}
	if before[len(before)-1].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("%w: from https to %s", ErrRedirect, next.URL.Scheme)
	}
	// The client puts the last URL there, with a query that may be a secret.
	next.Header.Del("Referer")
	return nil
}
