package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

const maxRetryAfter = time.Minute // if a server asks for a longer pause, the download fails

// wordDo removes the URL from the client's error, because the URL's query may be a secret.
func wordDo(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if cause, ok := certs.CauseOf(err); ok {
		err = &tlsError{cause: cause, err: err}
		if cause.Certificate || cause.Plain {
			return backoff.Permanent(err) // an immediate retry fails in the same way
		}
		return err
	}
	if errors.Is(err, netguard.ErrRedirect) || errors.Is(err, netguard.ErrRefused) {
		return backoff.Permanent(err)
	}
	return err
}

// tlsError is a TLS failure with its cause.
type tlsError struct {
	cause certs.Cause
	err   error
}

// Error returns the cause in words.
func (e *tlsError) Error() string { return e.cause.Words }

// Unwrap returns the error of the connection.
func (e *tlsError) Unwrap() error { return e.err }

// statusError is an answer other than 200.
type statusError struct {
	code       int
	host       string
	retryAfter time.Duration // 0: the server named no pause
	wantsTLS   bool          // the server speaks HTTPS, but the request was plain HTTP
}

func newStatusError(response *http.Response) *statusError {
	e := &statusError{
		code:       response.StatusCode,
		host:       response.Request.URL.Host,
		retryAfter: pause.RetryAfter(response.Header.Get("Retry-After"), time.Now()),
	}
	if e.code == http.StatusBadRequest && response.Request.URL.Scheme == "http" {
		const enough = 1 << 10
		text, _ := io.ReadAll(io.LimitReader(response.Body, enough)) // a partial text is enough
		e.wantsTLS = certs.WantsTLS(string(text))
	}
	return e
}

// Error names the host and its answer.
func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d %s", e.host, e.code, http.StatusText(e.code))
}

func (e *statusError) retryable() bool {
	return e.code >= http.StatusInternalServerError || e.code == http.StatusTooManyRequests
}

func (e *statusError) hint() string {
	if e.wantsTLS {
		return "write https:// instead of http://"
	}
	switch e.code {
	case http.StatusNotFound, http.StatusGone:
		return "correct module.url, or publish the module there"
	case http.StatusUnauthorized, http.StatusForbidden:
		return "the server wants credentials; put a URL there that needs none, or use module.file"
	default:
		return "correct module.url"
	}
}

// forRetry marks the answer as permanent, as retryable, or as retryable after a pause.
func (e *statusError) forRetry() error {
	switch {
	case !e.retryable():
		return backoff.Permanent(e)
	case e.retryAfter > maxRetryAfter:
		return backoff.Permanent(fmt.Errorf("%w, and asks to come back in %v", e, e.retryAfter))
	case e.retryAfter > 0:
		return &pausedError{statusError: e, pause: &backoff.RetryAfterError{Duration: e.retryAfter}}
	default:
		return e
	}
}

// pausedError is a statusError with the pause that the server asked for.
type pausedError struct {
	*statusError
	pause *backoff.RetryAfterError
}

// Unwrap returns both errors, for errors.As.
func (e *pausedError) Unwrap() []error { return []error{e.statusError, e.pause} }
