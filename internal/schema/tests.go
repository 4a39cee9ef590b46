package schema

// Test is one test of a filter: a request, a connection or messages with their expected result, or
// several as steps.
type Test struct {
	// Name says what the test shows.
	Name string `json:"name" required:"true" minLength:"1" maxLength:"200"`
	// Shared is the shared data before the first step.
	Shared map[string]Scalar `json:"shared"`
	// SharedQueues are the names of queues that another plugin with the same vm.id has registered.
	SharedQueues []string `json:"sharedQueues"`
	// Steps are several requests or connections, through one VM.
	Steps []TestStep `json:"steps" minItems:"1" maxItems:"200"`
	TestStep
}

// TestStep is one request or connection, or messages, with the expected result.
type TestStep struct {
	// Properties are properties of the request, by path.
	Properties map[string]Scalar `json:"properties" examples:"[{\"source.address\":\"10.0.0.1:1234\"}]"`
	// Calls are the responses to the filter's HTTP calls, by cluster.
	Calls map[string]TestAnswers `json:"calls"`
	// Request is the request of the client, for type http.
	Request TestRequest `json:"request"`
	// Downstream is the data from the client, for type network.
	Downstream TestBody `json:"downstream"`
	// Queues are messages for the queues of a service, by queue, for type service.
	Queues map[string]TestBody `json:"queues" examples:"[{\"http\":[\"200\",\"404\"]}]"`
	// Ticks is the number of calls of proxy_on_tick after the messages, for type service.
	Ticks int `json:"ticks" minimum:"1" maximum:"1000"`
	// Upstream is the response of the upstream, or for type network the data from it.
	Upstream TestUpstream `json:"upstream"`
	// Expect is the expected result.
	Expect TestExpect `json:"expect"`
}

// TestRequest is a request. The defaults are GET and the path /.
type TestRequest struct {
	// Method is the method of the request.
	Method string `json:"method" minLength:"1" default:"\"GET\""`
	// Path is the path with the query.
	Path string `json:"path" minLength:"1" default:"\"/\""`
	TestMessage
}

// TestResponse is a response.
type TestResponse struct {
	// Status is the status of the response.
	Status TestStatus `json:"status"`
	TestMessage
}

// TestStatus is a status from 100 to 599.
type TestStatus struct {
	OneOf
	Number int    `minimum:"100" maximum:"599"`
	Text   string `pattern:"^[1-5][0-9][0-9]$"`
}

// TestMessage has the parts of every message.
type TestMessage struct {
	// Headers have one or several values each. In an expected message, null means the header
	// is absent.
	Headers map[string]TestHeader `json:"headers"`
	// Body is text, {base64: …}, or a list of chunks.
	Body TestBody `json:"body"`
	// Trailers are like headers.
	Trailers map[string]TestHeader `json:"trailers"`
}

// TestHeader is a value, several, or null.
type TestHeader struct {
	OneOf
	Value  Scalar
	Values []Scalar
	Absent null
}

// TestBody is one chunk, or a list of them.
type TestBody struct {
	OneOf
	Text   string
	Base64 TestBytes
	Chunks []TestChunk
}

// TestChunk is text, or bytes in base64.
type TestChunk struct {
	OneOf
	Text   string
	Base64 TestBytes
}

// TestBytes is bytes in base64.
type TestBytes struct {
	// Base64 has the bytes.
	Base64 string `json:"base64" required:"true"`
}

// TestUpstream is a response, or for type network the data of the upstream.
type TestUpstream struct {
	OneOf
	Response TestResponse
	Text     string
	Base64   TestBytes
	Chunks   []TestChunk
}

// TestAnswers are the responses to the calls of a cluster: one, or several in turn.
type TestAnswers struct {
	OneOf
	Fail     string `enum:"fail"`
	Response TestResponse
	Each     []TestAnswer
}

// TestAnswer is the response to a call, or fail.
type TestAnswer struct {
	OneOf
	Fail     string `enum:"fail"`
	Response TestResponse
}

// TestExpect is the expected result of a step. What it does not name may be anything.
type TestExpect struct {
	// Logs are lines that the filter logs, in this order.
	Logs []TestLog `json:"logs"`
	// Metrics are values of the filter's metrics.
	Metrics map[string]int `json:"metrics"`
	// Queues are all messages that the filter puts into shared queues during the step, by queue.
	Queues map[string]TestBody `json:"queues"`
	// Calls are all HTTP calls of the filter, in this order.
	Calls []TestCall `json:"calls"`
	// Upstream is the request that reaches the upstream, none, or for type network the bytes.
	Upstream ExpectedRequest `json:"upstream"`
	// Response is the response that the client gets, or none.
	Response ExpectedResponse `json:"response"`
	// Downstream is the bytes that reach the client, for type network.
	Downstream TestBody `json:"downstream"`
	// Closed says whether the filter closes the connection, for type network.
	Closed bool `json:"closed"`
}

// ExpectedRequest is a request, none, or the bytes of a connection.
type ExpectedRequest struct {
	OneOf
	Request TestRequest
	Text    string
	Base64  TestBytes
	Chunks  []TestChunk
}

// ExpectedResponse is a response, or none.
type ExpectedResponse struct {
	OneOf
	None     string `enum:"none"`
	Response TestResponse
}

// TestLog is a part of a line that the filter logs, with or without its level.
type TestLog struct {
	OneOf
	Text  string `minLength:"1"`
	Level TestLogLevel
}

// TestLogLevel is a part of a line with its level.
type TestLogLevel struct {
	// Level is the level of the line.
	Level string `json:"level" enum:"trace|debug|info|warn|error|critical"`
	// Text is a part of the line.
	Text string `json:"text"`
}

// TestCall is an HTTP call that the filter makes.
type TestCall struct {
	// Cluster is the cluster that the filter calls.
	Cluster string `json:"cluster" required:"true" minLength:"1"`
	TestRequest
}
