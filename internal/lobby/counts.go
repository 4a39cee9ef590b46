package lobby

import "time"

// counts are the connections of a port, and the decisions about further ones. It is not safe for
// concurrent use.
type counts struct {
	limits  Limits
	all     int
	hosts   map[string]int
	idle    idle
	waiting map[string][]waiter // by host, the longest waiting first
	waits   int                 // of all hosts
}

// waiter is a connection that waits.
type waiter struct {
	client     string
	descriptor int
	since      time.Time
}

func newCounts(l Limits) *counts {
	return &counts{limits: l, hosts: map[string]int{}, waiting: map[string][]waiter{}, idle: idle{most: l.IdlePerHost}}
}

// judge returns the limit that keeps a further connection of the host out; "": none. The
// connections that wait come first.
func (c *counts) judge(host string) (limit Limit, most int) {
	limit, most = c.reached(host)
	if limit == "" && len(c.waiting[host]) > 0 {
		return IdlePerHost, c.limits.IdlePerHost
	}
	return limit, most
}

// reached returns the limit that the connections inside have reached; "": none.
func (c *counts) reached(host string) (limit Limit, most int) {
	switch {
	case c.all >= c.limits.Connections:
		return Connections, c.limits.Connections
	case c.hosts[host] >= c.limits.PerHost:
		return PerHost, c.limits.PerHost
	case c.idle.isFull(host):
		return IdlePerHost, c.limits.IdlePerHost
	default:
		return "", 0
	}
}

// enter counts an idle connection.
func (c *counts) enter(u *use, now time.Time) {
	c.all++
	c.hosts[u.host]++
	c.idle.change(u, 0, now)
}

// leave takes a connection back.
func (c *counts) leave(u *use) {
	c.idle.leave(u)
	c.all--
	if c.hosts[u.host]--; c.hosts[u.host] <= 0 {
		delete(c.hosts, u.host)
	}
}

// wait adds a connection to those that wait. false: there is no room.
func (c *counts) wait(host string, w waiter) bool {
	if c.waits >= mostWaiting {
		return false
	}
	c.waits++
	c.waiting[host] = append(c.waiting[host], w)
	return true
}

// next takes out the first connection of the host that waits and may come in; false: none may.
func (c *counts) next(host string) (waiter, bool) {
	all := c.waiting[host]
	if limit, _ := c.reached(host); limit != "" || len(all) == 0 {
		return waiter{}, false
	}
	c.keep(host, all[1:])
	return all[0], true
}

func (c *counts) keep(host string, rest []waiter) {
	c.waits += len(rest) - len(c.waiting[host])
	c.waiting[host] = rest
	if len(rest) == 0 {
		delete(c.waiting, host)
	}
}

// turn takes out the connections that have waited for too long, and the idle connections that make
// room for others. The caller closes both.
func (c *counts) turn(now time.Time) (late []waiter, idle []*use) {
	for host, all := range c.waiting {
		n := 0
		for n < len(all) && now.Sub(all[n].since) >= mostWait {
			n++
		}
		late = append(late, all[:n]...)
		c.keep(host, all[n:])
		idle = append(idle, c.idle.takeLongest(host, len(all)-n, now)...)
	}
	return late, idle
}

// takeWaiting takes out all connections that wait.
func (c *counts) takeWaiting() (all []waiter) {
	for host, some := range c.waiting {
		all = append(all, some...)
		c.keep(host, nil)
	}
	return all
}
