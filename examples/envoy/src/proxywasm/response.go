package proxywasm

// LocalResponse is a response from the filter in place of the upstream.
type LocalResponse struct {
	// Status is the HTTP status, like 403.
	Status int
	// Headers are added to the headers from Envoy.
	Headers []Header
	// Body may be empty.
	Body []byte
	// Details are the response code details in access logs.
	Details string
	// GRPCStatus is the status for a gRPC client. 0: Envoy derives it from Status.
	GRPCStatus int
}

// SendLocalResponse ends the request with a response. The running callback must then return
// [Pause], because the request must not go on.
func SendLocalResponse(r LocalResponse) error {
	grpcStatus := int32(r.GRPCStatus)
	if grpcStatus == 0 {
		grpcStatus = -1
	}
	return asError(proxySendLocalResponse(uint32(r.Status), r.Details, text(r.Body), text(encodePairs(r.Headers)), grpcStatus))
}

// The streams of the ABI, each one direction of a request or of a connection.
const (
	streamRequest    = 0
	streamResponse   = 1
	streamDownstream = 2
	streamUpstream   = 3
)

// ContinueRequest continues a paused request.
func ContinueRequest() error { return asError(proxyContinueStream(streamRequest)) }

// ContinueResponse continues a paused response.
func ContinueResponse() error { return asError(proxyContinueStream(streamResponse)) }

// ContinueDownstream continues paused bytes from the client.
func ContinueDownstream() error { return asError(proxyContinueStream(streamDownstream)) }

// ContinueUpstream continues paused bytes from the upstream.
func ContinueUpstream() error { return asError(proxyContinueStream(streamUpstream)) }

// ResetRequest ends an HTTP stream without a response.
func ResetRequest() error { return asError(proxyCloseStream(streamRequest)) }

// CloseDownstream closes the connection to the client.
func CloseDownstream() error { return asError(proxyCloseStream(streamDownstream)) }

// CloseUpstream closes the connection to the upstream.
func CloseUpstream() error { return asError(proxyCloseStream(streamUpstream)) }
