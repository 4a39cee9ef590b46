package preflight

import (
	"context"
	"errors"
)

var errNotYet = errors.New("not built yet")

// VM is a module that was started and configured. It and its streams belong to
// one goroutine.
type VM struct{}

// Load starts and configures a module as the newest of the request's versions
// does. With problems of that version there is no VM.
func Load(ctx context.Context, r Request) (*VM, []Problem, error) { return nil, nil, errNotYet }

// Check says whether the request's versions would load the module. When ctx
// ends, so does the check, with a problem.
func Check(ctx context.Context, r Request) Report { return Report{} }

// Close frees the module.
func (vm *VM) Close(ctx context.Context) error { return errNotYet }

// Logs returns what was logged since the last call.
func (vm *VM) Logs() []Log { return nil }

// Metrics returns the module's metrics by name.
func (vm *VM) Metrics() []Metric { return nil }

// SetShared sets shared data, as another filter would.
func (vm *VM) SetShared(key string, value []byte) {}

// Shared returns shared data.
func (vm *VM) Shared(key string) (value []byte, ok bool) { return nil, false }

// Calls returns the HTTP and gRPC calls made so far, answered or not.
func (vm *VM) Calls() []*Call { return nil }

// Answer gives a call its answer. A stream that waited for it goes on.
func (vm *VM) Answer(ctx context.Context, c *Call, a Answer) error { return errNotYet }

// Tick runs proxy_on_tick of the root context.
func (vm *VM) Tick(ctx context.Context) error { return errNotYet }

// HostCalls is the number of host functions called so far.
func (vm *VM) HostCalls() uint64 { return 0 }

// MemorySize is the linear memory's size in bytes.
func (vm *VM) MemorySize() uint32 { return 0 }

// Stream is one HTTP request and its response through the filter. What the
// filter pauses is held back until it continues.
type Stream struct{}

// NewStream begins an HTTP stream.
func (vm *VM) NewStream(ctx context.Context, o StreamOptions) (*Stream, error) { return nil, errNotYet }

// Request is what the client sends. An error is a trap, as a [Problem] with step stream.
func (s *Stream) Request(ctx context.Context, m Message) error { return errNotYet }

// Response is what the upstream answers.
func (s *Stream) Response(ctx context.Context, m Message) error { return errNotYet }

// Upstream is what has reached the upstream.
func (s *Stream) Upstream() Outcome { return Outcome{} }

// Client is what has reached the client: the upstream's answer or the filter's own.
func (s *Stream) Client() Outcome { return Outcome{} }

// Local says that the filter has answered by itself.
func (s *Stream) Local() bool { return false }

// Close ends the stream: log, done and delete.
func (s *Stream) Close(ctx context.Context) error { return errNotYet }

// Connection is a TCP connection through the filter.
type Connection struct{}

// NewConnection begins a connection.
func (vm *VM) NewConnection(ctx context.Context, o StreamOptions) (*Connection, error) {
	return nil, errNotYet
}

// FromDownstream is data from the client; end: it has closed its side.
func (c *Connection) FromDownstream(ctx context.Context, data []byte, end bool) error {
	return errNotYet
}

// FromUpstream is data from the upstream.
func (c *Connection) FromUpstream(ctx context.Context, data []byte, end bool) error {
	return errNotYet
}

// ToUpstream is what has reached the upstream so far.
func (c *Connection) ToUpstream() []byte { return nil }

// ToDownstream is what has reached the client so far.
func (c *Connection) ToDownstream() []byte { return nil }

// Closed says that the filter has closed the connection.
func (c *Connection) Closed() bool { return false }

// Close ends the connection.
func (c *Connection) Close(ctx context.Context) error { return errNotYet }
