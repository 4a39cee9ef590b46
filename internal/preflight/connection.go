package preflight

import (
	"context"
	"slices"
	"time"
)

// Connection is a TCP connection through the filter.
type Connection struct {
	host                 *host
	id                   uint32
	downstream, upstream pipe
	closed               bool
	upstreamEnded        bool
	connected            bool // to the upstream
	begun                time.Time
}

// pipe is one direction of a connection.
type pipe struct {
	callback string
	pending  []byte  // data that the filter holds back
	visible  *[]byte // during a callback
	out      []byte
}

func (p *pipe) resume() { p.out, p.pending = append(p.out, p.pending...), nil }

// NewConnection begins a connection.
func (vm *VM) NewConnection(ctx context.Context, o StreamOptions) (*Connection, error) {
	c := &Connection{host: vm.host, begun: time.Now()}
	c.downstream.callback, c.upstream.callback = "proxy_on_downstream_data", "proxy_on_upstream_data"
	state, err := vm.newContext(ctx, o, func(s *contextState) { s.connection = c })
	if err != nil {
		return nil, err
	}
	c.id = state.id
	return c, vm.host.run(ctx, c.id, "proxy_on_new_connection", uint64(c.id))
}

// FromDownstream passes data from the client; end means that the client has closed its side.
func (c *Connection) FromDownstream(ctx context.Context, data []byte, end bool) error {
	return c.pass(ctx, &c.downstream, data, end)
}

// FromUpstream passes data from the upstream.
func (c *Connection) FromUpstream(ctx context.Context, data []byte, end bool) error {
	if err := c.pass(ctx, &c.upstream, data, end); err != nil || !end || c.upstreamEnded || c.closed {
		return err
	}
	// Envoy reports the upstream's close as soon as its data ends.
	c.upstreamEnded = true
	return c.host.run(ctx, c.id, "proxy_on_upstream_connection_close", uint64(c.id), closedUnknown)
}

// pass shows the filter all held and new data, and sends on the data that the filter lets pass.
func (c *Connection) pass(ctx context.Context, p *pipe, data []byte, end bool) error {
	if c.closed {
		return nil
	}
	c.connected = true // Envoy connects before any data comes to the filter
	content := slices.Concat(p.pending, data)
	p.visible = &content
	status, _, err := c.host.callback(ctx, c.id, p.callback, uint64(c.id), uint64(len(content)), asFlag(end))
	p.visible, p.pending = nil, content
	if err != nil {
		return err
	}
	if status == 0 {
		p.resume()
	}
	return c.host.runAfter(ctx)
}

// ToUpstream returns the data that has reached the upstream so far.
func (c *Connection) ToUpstream() []byte { return c.downstream.out }

// ToDownstream returns the data that has reached the client so far.
func (c *Connection) ToDownstream() []byte { return c.upstream.out }

// Closed reports whether the filter has closed the connection.
func (c *Connection) Closed() bool { return c.closed }

// How a connection was closed.
const (
	closedUnknown = 0
	closedHere    = 1
	closedByPeer  = 2
)

// Close closes the connection for the client, unless the filter has closed it.
func (c *Connection) Close(ctx context.Context) error {
	how := uint64(closedByPeer)
	if c.closed {
		how = closedHere
	}
	if err := c.host.run(ctx, c.id, "proxy_on_downstream_connection_close", uint64(c.id), how); err != nil {
		return err
	}
	return c.host.endContext(ctx, c.id, "proxy_on_done", "proxy_on_log", "proxy_on_delete")
}
