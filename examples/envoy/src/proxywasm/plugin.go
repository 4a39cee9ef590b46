package proxywasm

// Plugin is one configured filter: the root context of the ABI. Envoy makes a plugin for each
// filter in each VM, and another plugin for a new configuration. [BasePlugin] has all methods.
type Plugin interface {
	// OnVMStart is called once in a VM, on the first plugin, with the configuration of the VM. An
	// error is logged, and Envoy refuses the filter.
	OnVMStart(configuration []byte) error
	// OnConfigure gets the configuration of the plugin. An error is logged, and Envoy refuses the
	// filter and keeps the running filter.
	OnConfigure(configuration []byte) error
	// NewHTTP makes the context of an HTTP stream, at the first callback. nil: the plugin is no
	// HTTP filter, and the stream passes.
	NewHTTP() HTTP
	// NewNetwork makes the context of a connection, at the first callback. nil: the plugin is no
	// network filter, and the connection passes.
	NewNetwork() Network
	// OnTick is called in the period of [SetTickPeriod].
	OnTick()
	// OnQueueReady is called when a queue of [RegisterQueue] has a message.
	OnQueueReady(queue Queue)
	// OnForeignFunction is a call by Envoy beyond the ABI, with a number and an argument.
	OnForeignFunction(function uint32, argument []byte)
	// OnDone is called when the plugin is about to end. If the plugin still has work to do, OnDone
	// returns false, and the plugin calls [Done] after the work.
	OnDone() bool
	// OnDelete is the last call.
	OnDelete()
}

// Done ends the current plugin after OnDone has returned false.
func Done() error { return asError(proxyDone()) }

// HTTP is one HTTP request with the response. [BaseHTTP] has all methods. endOfStream means that
// nothing follows.
type HTTP interface {
	// OnRequestHeaders is called with the headers in [RequestHeaders]; count is their number.
	OnRequestHeaders(count int, endOfStream bool) Action
	// OnRequestBody is called with a piece of the body in [RequestBody], of size bytes.
	OnRequestBody(size int, endOfStream bool) Action
	// OnRequestTrailers is called with the trailers in [RequestTrailers].
	OnRequestTrailers(count int) Action
	// OnResponseHeaders is called with the headers in [ResponseHeaders].
	OnResponseHeaders(count int, endOfStream bool) Action
	// OnResponseBody is called with a piece of the body in [ResponseBody].
	OnResponseBody(size int, endOfStream bool) Action
	// OnResponseTrailers is called with the trailers in [ResponseTrailers].
	OnResponseTrailers(count int) Action
	// OnLog is called at the end of every stream. Headers and properties can still
	// be read.
	OnLog()
	// OnDelete is the last call.
	OnDelete()
}

// Network is one TCP connection. [BaseNetwork] has all methods.
type Network interface {
	// OnNewConnection is called before the first bytes.
	OnNewConnection() Action
	// OnDownstreamData is called with the bytes from the client in [DownstreamData].
	OnDownstreamData(size int, endOfStream bool) Action
	// OnDownstreamClose is called when a peer has closed the connection to the client.
	OnDownstreamClose(by Peer)
	// OnUpstreamData is called with the bytes from the upstream in [UpstreamData].
	OnUpstreamData(size int, endOfStream bool) Action
	// OnUpstreamClose is called when a peer has closed the connection to the upstream.
	OnUpstreamClose(by Peer)
	// OnLog is called when the connection is over.
	OnLog()
	// OnDelete is the last call.
	OnDelete()
}

// Action is the answer of a callback.
type Action uint32

// The actions of the ABI.
const (
	// Continue passes the headers, data or trailers of the callback on.
	Continue Action = 0
	// Pause keeps them back until the call of a Continue function.
	Pause Action = 1
)

// Peer is the end that has closed a connection.
type Peer uint32

// The peers of the ABI.
const (
	PeerUnknown Peer = 0
	PeerLocal   Peer = 1 // Envoy
	PeerRemote  Peer = 2 // the client, or the upstream
)
