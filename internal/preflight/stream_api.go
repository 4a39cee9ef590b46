package preflight

// Header is one header or trailer. Order and repetition are kept.
type Header struct{ Name, Value string }

// Message is a request or a response.
type Message struct {
	Headers []Header
	// Body is in the chunks in which it arrives; nil: none.
	Body     [][]byte
	Trailers []Header // nil: none
}

// StreamOptions describe the stream that a filter sees.
type StreamOptions struct {
	// Properties are by path, such as "source.address" or "request.path"; they go
	// before what the sandbox derives from the message.
	Properties map[string]string
}

// Outcome is where a message, or a connection's data, has come to.
type Outcome struct {
	// Reached says that the headers came through.
	Reached bool
	// Complete says that all of the message did.
	Complete bool
	Message  Message
}

// Call is an HTTP or gRPC call that a module has made.
type Call struct {
	ID       uint32
	GRPC     bool
	Cluster  string // or the gRPC service as the module wrote it
	Service  string // gRPC only
	Method   string // gRPC only
	Message  Message
	Timeout  uint32 // milliseconds
	Answered bool
}

// Answer is what a call gets.
type Answer struct {
	Message Message
	// Failed is no answer at all: the callback gets no headers. For a gRPC call
	// Status is its status.
	Failed bool
	Status uint32
}

// MetricType is Proxy-Wasm's number of a kind of metric.
type MetricType uint32

// The kinds of metrics.
const (
	Counter MetricType = iota
	Gauge
	Histogram
)

// Metric is one metric's value now. Of a histogram it is the last value recorded.
type Metric struct {
	Name  string
	Type  MetricType
	Value uint64
}
