package host

import (
	"slices"
	"time"
)

// link is a TCP connection, as the host functions see connections.
type link struct {
	downstream, upstream pipe
	closed               bool
	upstreamEnded        bool
	connected            bool // to the upstream
	begun                time.Time
}

// close closes the connection for the filter.
func (l *link) close() { l.closed = true }

// connect notes the connection to the upstream: Envoy connects before any data comes to the filter.
func (l *link) connect() { l.connected = true }

// endUpstream notes the end of the upstream's data; false: the end is known already, or does not
// matter any more.
func (l *link) endUpstream() bool {
	if l.upstreamEnded || l.closed {
		return false
	}
	l.upstreamEnded = true
	return true
}

// pipe is a direction of a connection.
type pipe struct {
	pending []byte  // data with which the filter pauses
	visible *[]byte // during a callback
	arrived []byte  // behind the filter
}

// show begins a callback with all pending and new data, and returns the size.
func (p *pipe) show(data []byte) int {
	content := slices.Concat(p.pending, data)
	p.visible = &content
	return len(content)
}

// hide ends the callback: the data is pending, as the filter left it.
func (p *pipe) hide() { p.pending, p.visible = *p.visible, nil }

// resume sends on the pending data.
func (p *pipe) resume() { p.arrived, p.pending = append(p.arrived, p.pending...), nil }
