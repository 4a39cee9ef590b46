package lobby

import (
	"cmp"
	"time"
)

// Limits bound the connections of a port. A zero means the default.
type Limits struct {
	Connections int // open connections: 20,000
	PerHost     int // the same for each host: 10,000
	// IdlePerHost bounds the connections of each host without a stream and without a request: 200.
	// An Envoy's connection is idle only until the first request.
	IdlePerHost int
}

// WithDefaults fills the zero limits.
func (l Limits) WithDefaults() Limits {
	l.Connections = cmp.Or(l.Connections, 20_000)
	l.PerHost = cmp.Or(l.PerHost, 10_000)
	l.IdlePerHost = cmp.Or(l.IdlePerHost, 200)
	return l
}

// Limit names a limit.
type Limit string

// The limits.
const (
	Connections Limit = "connections"
	PerHost     Limit = "connections_per_host"
	IdlePerHost Limit = "idle_connections_per_host"
)

// Reached says a client has reached a limit.
type Reached struct {
	Limit   Limit
	Most    int
	Address string
}

const (
	// leastIdle is how long an idle connection stays although others wait: time for a handshake
	// and for the first request over a slow network.
	leastIdle = 5 * time.Second
	// mostWait is how long a connection waits before it is closed. The client then connects again,
	// and waits at the end.
	mostWait = 20 * time.Second
	// mostWaiting bounds the connections that wait. Beyond the bound, they are closed at once.
	mostWaiting = 10_000
)
