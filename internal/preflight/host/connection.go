package host

import (
	"context"
	"time"
)

// Connection is a TCP connection through the filter. A Connection belongs to the goroutine of the
// VM.
type Connection struct {
	instance *instance
	id       uint32
	link     link
}

func newConnection(ctx context.Context, i *instance, o StreamOptions) (*Connection, error) {
	c := &Connection{instance: i, link: link{begun: time.Now()}}
	var err error
	if c.id, err = newContext(ctx, i, o, &contextState{link: &c.link}); err != nil {
		return nil, err
	}
	return c, i.run(ctx, c.id, "proxy_on_new_connection", uint64(c.id))
}

// FromDownstream passes data from the client; end is the end of the client's data.
func (c *Connection) FromDownstream(ctx context.Context, data []byte, end bool) error {
	return c.pass(ctx, &c.link.downstream, "proxy_on_downstream_data", data, end)
}

// FromUpstream passes data from the upstream.
func (c *Connection) FromUpstream(ctx context.Context, data []byte, end bool) error {
	if err := c.pass(ctx, &c.link.upstream, "proxy_on_upstream_data", data, end); err != nil || !end || !c.link.endUpstream() {
		return err
	}
	// Envoy reports the upstream's close at the end of the data.
	return c.instance.run(ctx, c.id, "proxy_on_upstream_connection_close", uint64(c.id), closedUnknown)
}

// pass shows the filter all pending and new data, and sends on the data behind the filter.
func (c *Connection) pass(ctx context.Context, p *pipe, callback string, data []byte, end bool) error {
	if c.link.closed {
		return nil
	}
	c.link.connect()
	size := p.show(data)
	status, _, err := c.instance.callback(ctx, c.id, callback, uint64(c.id), uint64(size), asFlag(end))
	p.hide()
	if err != nil {
		return err
	}
	if status == dataContinue {
		p.resume()
	}
	return c.instance.actions.run(ctx)
}

// ToUpstream returns the data at the upstream so far.
func (c *Connection) ToUpstream() []byte { return c.link.downstream.arrived }

// ToDownstream returns the data at the client so far.
func (c *Connection) ToDownstream() []byte { return c.link.upstream.arrived }

// Closed reports whether the filter has closed the connection.
func (c *Connection) Closed() bool { return c.link.closed }

// How a connection was closed.
const (
	closedUnknown = 0
	closedHere    = 1
	closedByPeer  = 2
)

// Close closes the connection for the client, unless the filter has closed it.
func (c *Connection) Close(ctx context.Context) error {
	how := uint64(closedByPeer)
	if c.link.closed {
		how = closedHere
	}
	if err := c.instance.run(ctx, c.id, "proxy_on_downstream_connection_close", uint64(c.id), how); err != nil {
		return err
	}
	return c.instance.endContext(ctx, c.id, "proxy_on_done", "proxy_on_log", "proxy_on_delete")
}
