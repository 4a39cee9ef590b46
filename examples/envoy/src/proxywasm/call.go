package proxywasm

import (
	"cmp"
	"math"
	"time"
)

// HTTPRequest is a request that a filter itself sends.
type HTTPRequest struct {
	// Cluster is the name of the cluster in Envoy's configuration. It must exist.
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
	// Headers, BodySize and Trailers count headers, bytes and trailers. The content is in
	// [CallResponseHeaders], [CallResponseBody] and [CallResponseTrailers] for as long as the
	// callback runs.
	Headers, BodySize, Trailers int
}

// Failed says that no response came at all. Where a connection fails or the time is over, Envoy gives
// a response of its own instead, such as one with the :status 503: a filter looks at both.
func (r HTTPResponse) Failed() bool { return r.Headers == 0 }

// defaultTimeout is the time for a call that names none.
const defaultTimeout = 5 * time.Second

// HTTPCall sends a request to a cluster. It returns at once. Envoy calls done once, with the response
// or with a failure, unless the current context ends first.
//
// A stream that waits for the response returns [Pause] from its callback, and calls [ContinueRequest]
// or [SendLocalResponse] in done. The host functions in done act on the context that called HTTPCall.
//
// An error says that nothing was sent and that done will not be called: [ErrInternalFailure] or
// [ErrBadArgument] for a cluster that does not exist.
func HTTPCall(request HTTPRequest, done func(HTTPResponse)) error {
	var token uint32
	err := asError(proxyHttpCall(request.Cluster, text(encodePairs(request.headers())), text(request.Body),
		text(encodePairs(request.Trailers)), milliseconds(cmp.Or(request.Timeout, defaultTimeout)), &token))
	if err != nil {
		return err
	}
	owner := vm.current
	vm.calls[token] = call{owner: owner, done: func(response HTTPResponse) {
		// Envoy answers to the plugin, whichever context has called.
		if owner == vm.current {
			done(response)
			return
		}
		_ = owner.Do(func() { done(response) }) // a context that has ended has no use for it
	}}
	return nil
}

// headers are all headers of a request, the pseudo-headers first.
func (r HTTPRequest) headers() []Header {
	headers := make([]Header, 0, 3+len(r.Headers))
	headers = append(headers,
		Header{":method", cmp.Or(r.Method, "GET")},
		Header{":path", cmp.Or(r.Path, "/")},
		Header{":authority", cmp.Or(r.Authority, r.Cluster)})
	return append(headers, r.Headers...)
}

// milliseconds is a time as the ABI has it: rounded up, so that a short time is not none at all.
func milliseconds(d time.Duration) uint32 {
	if d <= 0 {
		return 0
	}
	rounded := (d-1)/time.Millisecond + 1
	return uint32(min(rounded, math.MaxUint32))
}
