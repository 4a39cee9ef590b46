package inflow

import (
	"sync"
	"time"
)

// held counts a connection's bytes of requests before the server takes them.
type held struct {
	client  string // for messages
	host    string
	bytes   int64
	streams int       // open streams
	since   time.Time // the last time of a taken request, or of bytes after none
	end     func()    // closes the connection
}

// fewBytes may stay on a connection for any time.
const fewBytes = 64 << 10

// pool bounds the bytes of connections, in all and for how long. It decides which connection has to
// go, and leaves the closing to the caller. Any goroutine may call the methods.
type pool struct {
	most, mostPerHost int64
	patience          time.Duration

	mu    sync.Mutex
	sum   int64
	hosts map[string]int64 // the sum of each host
	all   map[*held]struct{}
}

// enter adds a connection.
func (p *pool) enter(h *held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all, p.hosts = map[*held]struct{}{}, map[string]int64{}
	}
	p.all[h] = struct{}{}
}

// leave removes a connection with all the bytes.
func (p *pool) leave(h *held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(h)
}

func (p *pool) drop(h *held) {
	if _, in := p.all[h]; in {
		delete(p.all, h)
		p.count(h, -h.bytes)
	}
}

// count adds bytes to the sums.
func (p *pool) count(h *held, bytes int64) {
	p.sum += bytes
	if p.hosts[h.host] += bytes; p.hosts[h.host] == 0 {
		delete(p.hosts, h.host)
	}
}

// add adds bytes to a connection. If the connections of the host or all connections hold too many
// bytes, add takes the greediest connection out; nil: none has to go. The limit is the reason.
func (p *pool) add(h *held, bytes int, now time.Time) (goes *held, why Limit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, in := p.all[h]; !in {
		return nil, ""
	}
	if h.bytes == 0 {
		h.since = now
	}
	h.bytes += int64(bytes)
	p.count(h, int64(bytes))
	switch {
	case p.hosts[h.host] > p.mostPerHost:
		goes, why = p.greediest(h.host), HostHeld
	case p.sum > p.most:
		goes, why = p.greediest(p.greediestHost()), Held
	default:
		return nil, ""
	}
	p.drop(goes)
	return goes, why
}

// greediestHost returns the host with the most bytes.
func (p *pool) greediestHost() (greediest string) {
	most := int64(-1)
	for host, bytes := range p.hosts {
		if bytes > most {
			greediest, most = host, bytes
		}
	}
	return greediest
}

// greediest returns the connection of a host with the most bytes.
func (p *pool) greediest(host string) (greediest *held) {
	for one := range p.all {
		if one.host == host && (greediest == nil || one.bytes > greediest.bytes) {
			greediest = one
		}
	}
	return greediest
}

// take notes taken bytes of a connection.
func (p *pool) take(h *held, bytes int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.since = now
	p.reduce(h, min(int64(bytes), h.bytes))
}

func (p *pool) reduce(h *held, bytes int64) {
	h.bytes -= bytes
	if _, in := p.all[h]; in {
		p.count(h, -bytes)
	}
}

// open counts a stream of a connection, and close takes the count back. Without streams a
// connection holds nothing: the remaining bytes are pieces of requests of ended streams.
func (p *pool) open(h *held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h.streams++
}

func (p *pool) close(h *held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.streams--; h.streams <= 0 {
		p.reduce(h, h.bytes)
	}
}

// late takes out and returns the connections with more than a few bytes for too long.
func (p *pool) late(now time.Time) (all []*held) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for one := range p.all {
		if one.bytes > fewBytes && now.Sub(one.since) > p.patience {
			all = append(all, one)
		}
	}
	for _, one := range all {
		p.drop(one)
	}
	return all
}
