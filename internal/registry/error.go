package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/wasm-xds/wasm-xds/internal/certs"
	"github.com/wasm-xds/wasm-xds/internal/netguard"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// The codes of the errors of registries.
const (
	CodeReference    = "registry_reference"    // the text is no valid reference to a registry
	CodeCredentials  = "registry_credentials"  // of the pull secret, the Docker configuration or a helper
	CodeUnauthorized = "registry_unauthorized" // 401, 403
	CodeNotFound     = "registry_not_found"    // 404
	CodeRateLimited  = "registry_rate_limited" // 429, or not sent because of an earlier 429
	CodeUnreachable  = "registry_unreachable"  // no answer: network, DNS, time-out
	CodeUntrusted    = "registry_untrusted"    // no trusted certificate
	CodeFailed       = "registry_failed"       // 5xx
	CodeRefused      = "registry_refused"      // any other answer
	CodeCorrupt      = "registry_corrupt"      // the answer does not match its digest or is malformed
)

// Error is a failed operation with a registry. It contains no secret: no query of a URL and no part
// of any credentials.
type Error struct {
	Code     string
	Registry string // host or host:port
	What     string // the reference or registry of the request
	Status   int    // HTTP status; 0: no answer
	Words    string // the registry's own message, or the reason why there is no answer
	// RetryAfter is how long the registry asks for a pause. Until then every request to it fails at
	// once. 0 means the registry has not asked for a pause.
	RetryAfter time.Duration
	// Retryable says whether the same request may succeed later.
	Retryable bool

	hint string // the next step, if the code alone does not imply the step
	err  error
}

// Error returns one sentence.
func (e *Error) Error() string {
	switch {
	case e.Code == CodeReference:
		return fmt.Sprintf("%q %s", e.What, e.Words)
	case e.Code == CodeCredentials:
		return fmt.Sprintf("credentials for %s: %s", e.Registry, e.Words)
	case e.Code == CodeRateLimited:
		return fmt.Sprintf("%s: the registry is asked too often (%s); it is asked again in %v", e.What, orStatus(e.Words, http.StatusTooManyRequests), e.RetryAfter)
	case e.Status != 0:
		return fmt.Sprintf("%s: the registry says %s (%d)", e.What, orStatus(e.Words, e.Status), e.Status)
	default:
		return fmt.Sprintf("%s: %s", e.What, e.Words)
	}
}

func orStatus(words string, status int) string {
	if words != "" {
		return words
	}
	return clean(fmt.Sprintf("%q", http.StatusText(status)))
}

// Unwrap returns the cause, for errors.Is.
func (e *Error) Unwrap() error { return e.err }

// Hint returns the next step, or "" if the user can only wait.
func (e *Error) Hint() string {
	if e.hint != "" {
		return e.hint
	}
	switch e.Code {
	case CodeReference:
		return "write registry/repository:tag or registry/repository@sha256:…"
	case CodeCredentials:
		return "correct the file, or remove it to ask without credentials"
	case CodeUnauthorized:
		return "log in with `wasm-xds login " + e.Registry + "` or docker login, or name a file with module.pullSecret"
	case CodeNotFound:
		return "correct the reference, or push it; a registry may also say this of what needs credentials"
	case CodeRateLimited:
		return "credentials may raise the limit"
	case CodeUntrusted, CodeUnreachable:
		if cause, ok := certs.CauseOf(e.err); ok && cause.Plain {
			return "it speaks plain HTTP: if that is meant, use --insecure-registry " + e.Registry
		} else if ok {
			return cause.Hint
		}
		return "look whether this machine reaches the registry; what was fetched before is served on"
	case CodeRefused:
		if e.Words == wantsTLS {
			return "take it out of --insecure-registry"
		}
		return ""
	case CodeCorrupt:
		return "look what lies between this machine and the registry, or push it anew"
	default:
		return ""
	}
}

// Problem returns the error as a spec error at a place in the spec.
func (e *Error) Problem(at spec.Position) *spec.Error {
	return &spec.Error{Code: e.Code, Message: e.Error(), Hint: e.Hint(), Pos: at}
}

// credentialsError is an error of the credentials for a registry.
func credentialsError(registry, words string) *Error {
	return &Error{Code: CodeCredentials, Registry: registry, What: registry, Words: words, Retryable: true}
}

// ErrorOf turns an error of oras into an *Error. Errors that the registry did not cause come back
// unchanged.
func ErrorOf(ref Reference, err error) error {
	return errorOf(ref.String(), ref.Registry, err, &heard{})
}

// ErrorOfRegistry is like [ErrorOf], for requests to a registry without a repository.
func ErrorOfRegistry(host string, err error) error { return errorOf(host, host, err, &heard{}) }

func errorOf(what, registry string, err error, last *heard) error {
	if err == nil {
		return nil
	}
	known := &Error{}
	if errors.As(err, &known) {
		if known.What == "" {
			known.What = what
		}
		return known
	}
	e := &Error{Registry: registry, What: what, err: err}
	limited, answer := &rateLimitError{}, &errcode.ErrorResponse{}
	switch {
	case errors.As(err, &limited):
		e.Code, e.Status, e.Retryable = CodeRateLimited, http.StatusTooManyRequests, true
		e.Words, e.RetryAfter = limited.words, limited.wait()
	case errors.As(err, &answer):
		e.ofStatus(answer.StatusCode)
		if len(answer.Errors) > 0 {
			e.Words = clean(join(spaced(answer.Errors[0].Code), answer.Errors[0].Message))
		}
	case errors.Is(err, errdef.ErrNotFound):
		e.ofStatus(http.StatusNotFound)
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		e.ofStatus(http.StatusUnauthorized)
		e.Words = "it wants credentials, and there are none for it"
	default:
		if !e.ofNetwork(err) {
			return err
		}
	}
	last.mu.Lock()
	defer last.mu.Unlock()
	if e.Words == "" && last.status == e.Status {
		e.Words = last.words
	}
	return e
}

func (e *Error) ofStatus(status int) {
	e.Status, e.Retryable = status, true
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Code = CodeUnauthorized
	case status == http.StatusNotFound:
		e.Code = CodeNotFound
	case status == http.StatusTooManyRequests:
		e.Code = CodeRateLimited
	case status >= http.StatusInternalServerError:
		e.Code = CodeFailed
	default:
		e.Code, e.Retryable = CodeRefused, false
	}
}

// ofNetwork fills in an error that prevented an answer, and returns false for other errors.
func (e *Error) ofNetwork(err error) bool {
	var (
		onURL   *url.Error
		network net.Error
		lookUp  *net.DNSError
	)
	e.Code, e.Retryable = CodeUnreachable, true
	inner := err
	// The URL may have a query with a signature.
	if errors.As(err, &onURL) {
		inner = onURL.Err
	}
	cause, isTLS := certs.CauseOf(err)
	switch {
	case isTLS:
		e.Words = clean(cause.Words)
		if cause.Certificate {
			e.Code = CodeUntrusted
		}
	case errors.As(err, &lookUp):
		e.Words = fmt.Sprintf("the name %s cannot be looked up", lookUp.Name)
	case errors.Is(err, netguard.ErrRefused):
		e.Code, e.Words = CodeRefused, clean(inner.Error()) // later the name may resolve to another address
	case errors.Is(err, netguard.ErrRedirect):
		e.Code, e.Retryable, e.Words = CodeRefused, false, clean(inner.Error())
	case errors.Is(err, transfer.ErrStalled), errors.Is(err, transfer.ErrSlow):
		e.Words = strings.Replace(slow(err).Error(), "server", "registry", 1)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		e.Words = "the registry does not answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Words = "the registry closed the connection in the middle of its answer"
	case onURL != nil, network != nil, errors.Is(err, context.Canceled):
		e.Words = clean(inner.Error())
	default:
		return false
	}
	return true
}

// slow returns the transfer error for a slow server that err stands for.
func slow(err error) error {
	if errors.Is(err, transfer.ErrSlow) {
		return transfer.ErrSlow
	}
	return transfer.ErrStalled
}

// hasAnswered reports whether the registry answered: with a refusal, or with an answer that oras
// could not interpret.
func hasAnswered(err error) bool {
	e := &Error{}
	if !errors.As(ErrorOf(Reference{}, err), &e) {
		return true
	}
	return e.Status != 0 && e.Code != CodeRateLimited
}
