package spec

// Test is one test of a filter: requests or connections with their expected results, one after
// another through one new VM.
type Test struct {
	Name string
	// Shared is the shared data before the first step.
	Shared map[string]string
	// SharedQueues are the queues of other plugins with the same vm.id, registered before the first
	// step.
	SharedQueues []string
	Steps        []TestStep // at least one
	Pos          Position
}

// TestStep is one HTTP request with its response, or one TCP connection.
type TestStep struct {
	// Properties are by path, as in source.address. They override the properties of the request.
	Properties map[string]string
	// HTTP is set for a filter of type http, Connection for type network, and Service for a
	// service. Exactly one of the fields is set.
	HTTP       *TestHTTP
	Connection *TestConnection
	Service    *TestService
	// Calls are the responses to the filter's HTTP calls, by cluster. Each call takes the next
	// response; all calls after the last response get the last.
	Calls  map[string][]TestAnswer
	Expect TestExpect
	Pos    Position
}

// TestHTTP is a request, and the upstream's response if the request reaches it.
type TestHTTP struct {
	Request  TestMessage
	Upstream TestMessage // the zero Status means 200
}

// TestConnection is the data of both sides of a TCP connection; the client sends first.
type TestConnection struct {
	Downstream []string // in chunks, as they arrive
	Upstream   []string
}

// TestService is a step of a service: first the messages, then the ticks.
type TestService struct {
	Queues []TestQueue // with the messages of other plugins
	Ticks  int         // calls of proxy_on_tick
}

// TestQueue is a shared queue with its messages.
type TestQueue struct {
	Name     string
	Messages []string // in their order
}

// TestMessage is a request, a response, or an expected message. A zero field is absent; in an
// expected message the test does not look at the field.
type TestMessage struct {
	Method, Path string // of requests
	Status       int    // of responses
	Headers      []TestHeader
	Body         []string // in chunks; nil: none
	Trailers     []TestHeader
}

// TestHeader is a header or a trailer.
type TestHeader struct {
	Name   string // lower case
	Values []string
	Absent bool // the header must be absent
}

// TestAnswer is the response to a call.
type TestAnswer struct {
	TestMessage
	Fail bool // the call gets no response
}

// TestExpect is the expected result of a step. The test does not look at nil fields.
type TestExpect struct {
	Upstream *TestMessage // the request that reaches the upstream
	Response *TestMessage // the response that the client gets
	// NoUpstream and NoResponse mean no message may reach that side.
	NoUpstream, NoResponse bool
	// ToUpstream and ToDownstream are the bytes that reach each side of a connection.
	ToUpstream, ToDownstream *string
	Closed                   *bool // whether the filter has closed the connection

	Logs    []TestLog // in this order, possibly with other lines between them; empty and not nil: none
	Metrics map[string]int64
	// Queues are messages that the filter has put into shared queues during the step.
	Queues []TestQueue
	Calls  []TestCall // all of them, in this order; empty and not nil: none
	Pos    Position
}

// TestLog is a line that the filter logs.
type TestLog struct {
	Level string // "": any; else trace, debug, info, warn, error or critical
	Text  string // is a part of the line
}

// TestCall is an HTTP call that the filter makes.
type TestCall struct {
	Cluster string
	TestMessage
}
