package preflight

// Header is one header or trailer. Order and repetition are kept.
type Header struct{ Name, Value string }

// Message is a request or a response.
type Message struct {
	Headers []Header
	// Body is in chunks, as they arrive; nil: none.
	Body     [][]byte
	Trailers []Header // nil: none
}

// StreamOptions describe a filter's stream.
type StreamOptions struct {
	// Properties are by path, such as "source.address" or "request.path". They override the
	// sandbox's properties of the message.
	Properties map[string]string
}

// Outcome is the part of a message, or of a connection's data, that has arrived.
type Outcome struct {
	// Reached means that the headers arrived.
	Reached bool
	// Complete means that the whole message arrived.
	Complete bool
	Message  Message
}

// Call is an HTTP or gRPC call that a module has made.
type Call struct {
	ID       uint32
	GRPC     bool
	Cluster  string // for gRPC, the service message as the module wrote it
	Service  string // gRPC only
	Method   string // gRPC only
	Message  Message
	Timeout  uint32 // milliseconds
	Answered bool
}

// Answer is the response to a call.
type Answer struct {
	Message Message
	// Failed means no response: the callback gets no headers. For a gRPC call, Status is its
	// status.
	Failed bool
	Status uint32
}

// MetricType is the number of a kind of metric in Proxy-Wasm.
type MetricType uint32

// The kinds of metrics.
const (
	Counter MetricType = iota
	Gauge
	Histogram
)

// Metric is the current value of one metric; of a histogram, the last recorded value.
type Metric struct {
	Name  string
	Type  MetricType
	Value uint64
}
