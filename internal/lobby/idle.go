package lobby

import (
	"container/list"
	"time"
)

// idle has the connections of each host that carry no stream and no request, the longest idle
// first. It is not safe for concurrent use.
type idle struct {
	most  int // of a host
	hosts map[string]*list.List
}

// use is the use of a connection.
type use struct {
	host  string
	end   func()        // closes the connection
	count int           // streams or requests
	since time.Time     // idle since then
	place *list.Element // nil: the connection is in use, or left
	left  bool
}

func (i *idle) isFull(host string) bool {
	all := i.hosts[host]
	return all != nil && all.Len() >= i.most
}

// takeLongest takes out at most n connections of the host that have been idle for a while, the
// longest idle first.
func (i *idle) takeLongest(host string, n int, now time.Time) (longest []*use) {
	for all := i.hosts[host]; all != nil && all.Len() > 0 && len(longest) < n; {
		oldest := all.Front().Value.(*use)
		if now.Sub(oldest.since) < leastIdle {
			break
		}
		i.leave(oldest)
		longest = append(longest, oldest)
	}
	return longest
}

// change counts uses of a connection: 0 for a new one.
func (i *idle) change(u *use, uses int, now time.Time) {
	if u.count += uses; u.count > 0 {
		i.remove(u)
		return
	}
	if u.left || u.place != nil {
		return
	}
	if i.hosts == nil {
		i.hosts = map[string]*list.List{}
	}
	all := i.hosts[u.host]
	if all == nil {
		all = list.New()
		i.hosts[u.host] = all
	}
	u.since, u.place = now, all.PushBack(u)
}

// leave removes a connection for good.
func (i *idle) leave(u *use) {
	i.remove(u)
	u.left = true
}

func (i *idle) remove(u *use) {
	if u.place == nil {
		return
	}
	all := i.hosts[u.host]
	all.Remove(u.place)
	u.place = nil
	if all.Len() == 0 {
		delete(i.hosts, u.host)
	}
}
