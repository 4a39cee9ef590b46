package proxywasm

// LocalResponse is a response that a filter gives in place of the upstream.
type LocalResponse struct {
	// Status is the HTTP status, such as 403.
	Status int
	// Headers are added to those that Envoy makes.
	Headers []Header
	// Body may be empty.
	Body []byte
	// Details end up as response code details in access logs.
	Details string
	// GRPCStatus is the status for a gRPC client. 0: Envoy derives it from Status.
	GRPCStatus int
}

// SendLocalResponse ends the request with a response. The callback that runs returns [Pause] then,
// because the request must not go on.
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

// ContinueRequest lets a request go on that a callback has paused.
func ContinueRequest() error { return asError(proxyContinueStream(streamRequest)) }

// ContinueResponse lets a response go on that a callback has paused.
func ContinueResponse() error { return asError(proxyContinueStream(streamResponse)) }

// ContinueDownstream lets the bytes from the client go on that a callback has paused.
func ContinueDownstream() error { return asError(proxyContinueStream(streamDownstream)) }

// ContinueUpstream lets the bytes from the upstream go on that a callback has paused.
func ContinueUpstream() error { return asError(proxyContinueStream(streamUpstream)) }

// ResetRequest ends an HTTP stream without a response.
func ResetRequest() error { return asError(proxyCloseStream(streamRequest)) }

// CloseDownstream closes the connection to the client.
func CloseDownstream() error { return asError(proxyCloseStream(streamDownstream)) }

// CloseUpstream closes the connection to the upstream.
func CloseUpstream() error { return asError(proxyCloseStream(streamUpstream)) }
