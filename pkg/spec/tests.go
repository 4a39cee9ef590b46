package spec

// Test is one test of a filter: requests or connections, one after another,
// through one new VM, each with what is expected of it.
type Test struct {
	Name string
	// Shared is the shared data that is there before the first step.
	Shared map[string]string
	Steps  []TestStep // at least one
	Pos    Position
}

// TestStep is one HTTP request with its response, or one TCP connection.
type TestStep struct {
	// Properties are by path, as in source.address; they go before what the request tells.
	Properties map[string]string
	// HTTP belongs to filters of type http, Connection to those of type network. One is set.
	HTTP       *TestHTTP
	Connection *TestConnection
	// Calls are the answers to the HTTP calls that the filter makes, by cluster,
	// one for each call in turn; the last one is for all that follow.
	Calls  map[string][]TestAnswer
	Expect TestExpect
	Pos    Position
}

// TestHTTP is a request and what the upstream answers if the request reaches it.
type TestHTTP struct {
	Request  TestMessage
	Upstream TestMessage // the zero Status means 200
}

// TestConnection is what both sides of a TCP connection send, the client first.
type TestConnection struct {
	Downstream []string // in the chunks in which it arrives
	Upstream   []string
}

// TestMessage is a request, a response, or what is expected of one. What is zero
// is not there, and not looked at where it is expected.
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
	Absent bool // it is expected not to be there
}

// TestAnswer is what a call gets.
type TestAnswer struct {
	TestMessage
	Fail bool // there is no answer
}

// TestExpect is what a step has to come to. What is nil is not looked at.
type TestExpect struct {
	Upstream *TestMessage // what reaches the upstream
	Response *TestMessage // what the client gets
	// NoUpstream and NoResponse: nothing may reach it.
	NoUpstream, NoResponse bool
	// ToUpstream and ToDownstream are the bytes that come through a connection.
	ToUpstream, ToDownstream *string
	Closed                   *bool // the filter has closed the connection

	Logs    []TestLog // in this order, others between them; empty and not nil: none
	Metrics map[string]int64
	Calls   []TestCall // all of them, in this order; empty and not nil: none
	Pos     Position
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
