package proxywasm

// Plugin is one configured filter: the root context of the ABI. Envoy makes one for each filter in
// each VM, and another one for a new configuration. [BasePlugin] has all its methods.
type Plugin interface {
	// OnVMStart is called once in a VM, on its first plugin, with the configuration of the VM. An
	// error is logged, and Envoy refuses the filter.
	OnVMStart(configuration []byte) error
	// OnConfigure gets the configuration of the plugin. An error is logged, and Envoy refuses the
	// filter: it keeps the one that runs.
	OnConfigure(configuration []byte) error
	// NewHTTP makes the context of an HTTP stream, at its first callback. nil: the plugin is no HTTP
	// filter, and the stream passes.
	NewHTTP() HTTP
	// NewNetwork makes the context of a connection, at its first callback. nil: the plugin is no
	// network filter, and the connection passes.
	NewNetwork() Network
	// OnTick is called in the period of [SetTickPeriod].
	OnTick()
	// OnQueueReady says that a queue of [RegisterQueue] has a message.
	OnQueueReady(queue Queue)
	// OnForeignFunction is a call of Envoy beyond the ABI, with its number and argument.
	OnForeignFunction(function uint32, argument []byte)
	// OnDone says that the plugin is about to end. A plugin that still has work to do returns
	// false, and calls [Done] when the work is done.
	OnDone() bool
	// OnDelete is the last call.
	OnDelete()
}

// Done ends a plugin whose OnDone has returned false.
func Done() error { return asError(proxyDone()) }

// HTTP is one HTTP request with its response. [BaseHTTP] has all its methods. endOfStream says that
// nothing follows.
type HTTP interface {
	// OnRequestHeaders finds the headers in [RequestHeaders]; count is their number.
	OnRequestHeaders(count int, endOfStream bool) Action
	// OnRequestBody finds what has come of the body in [RequestBody]; size is its size in bytes.
	OnRequestBody(size int, endOfStream bool) Action
	// OnRequestTrailers finds the trailers in [RequestTrailers].
	OnRequestTrailers(count int) Action
	// OnResponseHeaders finds the headers in [ResponseHeaders].
	OnResponseHeaders(count int, endOfStream bool) Action
	// OnResponseBody finds what has come of the body in [ResponseBody].
	OnResponseBody(size int, endOfStream bool) Action
	// OnResponseTrailers finds the trailers in [ResponseTrailers].
	OnResponseTrailers(count int) Action
	// OnLog is called when the stream is over, whatever ended it. Headers and properties are there
	// to be read.
	OnLog()
	// OnDelete is the last call.
	OnDelete()
}

// Network is one TCP connection. [BaseNetwork] has all its methods.
type Network interface {
	// OnNewConnection is called before any bytes are read.
	OnNewConnection() Action
	// OnDownstreamData finds the bytes from the client in [DownstreamData].
	OnDownstreamData(size int, endOfStream bool) Action
	// OnDownstreamClose says that the connection to the client is closed, and by whom.
	OnDownstreamClose(by Peer)
	// OnUpstreamData finds the bytes from the upstream in [UpstreamData].
	OnUpstreamData(size int, endOfStream bool) Action
	// OnUpstreamClose says that the connection to the upstream is closed, and by whom.
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
	// Continue passes on what the callback was about.
	Continue Action = 0
	// Pause keeps it back, until a Continue function is called.
	Pause Action = 1
)

// Peer is the end of a connection that has closed it.
type Peer uint32

// The peers of the ABI.
const (
	PeerUnknown Peer = 0
	PeerLocal   Peer = 1 // Envoy
	PeerRemote  Peer = 2 // the client, or the upstream
)
