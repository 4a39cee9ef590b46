package inflow

import (
	"cmp"
	"time"
)

// Limits bound the input of clients. A zero means the default named beside the field.
type Limits struct {
	// ConnectionOpens and HostOpens are how many streams a connection, and all connections of a
	// host, may open in a second: 100 and 1,000. After a rest, they may open ten seconds' worth at
	// once. A new connection counts as a stream of the host.
	ConnectionOpens, HostOpens int
	// HostNames is how many names without a spec the streams of a host may begin to ask for in a
	// second: 200. After a rest, they may ask for ten seconds' worth at once.
	HostNames int
	// Held and HostHeld bound the untaken bytes of requests, over all connections and over the
	// connections of a host: 256 MiB and 64 MiB.
	Held, HostHeld int64
	// Patience is how long a connection may hold bytes of which none are taken: 30 seconds.
	Patience time.Duration
}

// WithDefaults fills the zero limits.
func (l Limits) WithDefaults() Limits {
	l.ConnectionOpens = cmp.Or(l.ConnectionOpens, 100)
	l.HostOpens = cmp.Or(l.HostOpens, 1_000)
	l.HostNames = cmp.Or(l.HostNames, 200)
	l.Held = cmp.Or(l.Held, 256<<20)
	l.HostHeld = cmp.Or(l.HostHeld, 64<<20)
	l.Patience = cmp.Or(l.Patience, 30*time.Second)
	return l
}

// Limit names a limit.
type Limit string

// The limits.
const (
	ConnectionOpens Limit = "opens_per_connection"
	HostOpens       Limit = "opens_per_host"
	HostNames       Limit = "new_names_per_host"
	Held            Limit = "request_memory"
	HostHeld        Limit = "request_memory_per_host"
	Patience        Limit = "request_timeout"
)

// Reached says a client has reached a limit.
type Reached struct {
	Limit   Limit
	Most    int64 // the value of the limit, in seconds for Patience
	Address string
}
