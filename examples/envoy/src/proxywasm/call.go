package proxywasm

import (
	"cmp"
	"math"
	"time"
)

// HTTPRequest is a request from the filter itself.
type HTTPRequest struct {
	// Cluster is the name of a cluster in Envoy's configuration. The cluster must exist.
	Cluster string
	// Method is the HTTP method. "": GET.
	Method string
	// Authority is the host. "": the name of the cluster.
	Authority string
	// Path starts with a slash, and may have a query. "": "/".
	Path string
	// Headers are added to the pseudo-headers of the fields above.
	Headers []Header
	// Body may be empty.
	Body []byte
	// Trailers may be empty.
	Trailers []Header
	// Timeout is the time for the whole response, in whole milliseconds. 0: five seconds.
	Timeout time.Duration
}

// HTTPResponse is the outcome of an [HTTPCall].
type HTTPResponse struct {
	// Headers, BodySize and Trailers count headers, bytes and trailers. During the callback,
	// the content is in [CallResponseHeaders], [CallResponseBody] and
	// [CallResponseTrailers].
	Headers, BodySize, Trailers int
}

// Failed reports that no response came. If a connection fails or the time is over, Envoy may give a
// response of its own instead, for example with the :status 503. A filter checks both.
func (r HTTPResponse) Failed() bool { return r.Headers == 0 }

// defaultTimeout is the time for a call without a timeout.
const defaultTimeout = 5 * time.Second

// HTTPCall sends a request to a cluster and returns at once. Envoy calls done once, with the
// response or with a failure, unless the current context ends first.
//
// To wait for the response, a stream returns [Pause] from the callback, and calls [ContinueRequest]
// or [SendLocalResponse] in done. Host functions in done act on the context of the HTTPCall.
//
// After an error nothing was sent, and done is not called. For a missing cluster the error is
// [ErrInternalFailure] or [ErrBadArgument].
func HTTPCall(request HTTPRequest, done func(HTTPResponse)) error {
	var token uint32
	err := asError(proxyHttpCall(request.Cluster, text(encodePairs(request.headers())), text(request.Body),
		text(encodePairs(request.Trailers)), milliseconds(cmp.Or(request.Timeout, defaultTimeout)), &token))
	if err != nil {
		return err
	}
	owner := vm.current
	vm.calls[token] = call{owner: owner, done: func(response HTTPResponse) {
		// Envoy answers to the plugin, whatever context has called.
		if owner == vm.current {
			done(response)
			return
		}
		_ = owner.Do(func() { done(response) }) // fails if the context has ended
	}}
	return nil
}

// headers returns all headers of a request, the pseudo-headers first.
func (r HTTPRequest) headers() []Header {
	headers := make([]Header, 0, 3+len(r.Headers))
	headers = append(headers,
		Header{":method", cmp.Or(r.Method, "GET")},
		Header{":path", cmp.Or(r.Path, "/")},
		Header{":authority", cmp.Or(r.Authority, r.Cluster)})
	return append(headers, r.Headers...)
}

// milliseconds returns a time for the ABI, rounded up, so a short time does not become 0.
func milliseconds(d time.Duration) uint32 {
	if d <= 0 {
		return 0
	}
	rounded := (d-1)/time.Millisecond + 1
	return uint32(min(rounded, math.MaxUint32))
}
