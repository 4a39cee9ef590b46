package door

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

const (
	// logVisitorEvery is the least time between two log lines about the same port and protocol. A
	// host has one line, and another after visitorKept without a visit.
	logVisitorEvery = time.Minute
	// visitorKept is how long a visitor is shown after the last visit.
	visitorKept = time.Hour
	// mostVisitors bounds the remembered hosts; the host with the oldest last visit makes room.
	mostVisitors = 100
)

// visitors are the hosts that spoke another protocol than a port does. It is safe for concurrent
// use; the zero value has no visitor.
type visitors struct {
	mu     sync.Mutex
	seen   map[visitorKey]visit
	logged map[visitorKey]time.Time // by port and protocol
}

type visitorKey struct{ port, speaks, host string }

type visit struct {
	api.Visitor
	logged bool
}

// note counts a visit, and says whether to log the visit.
func (v *visitors) note(one api.Visitor, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen, v.logged = map[visitorKey]visit{}, map[visitorKey]time.Time{}
	}
	key := visitorKey{one.Port, one.Speaks, address.Host(one.Address)}
	before, known := v.seen[key]
	if !known {
		v.makeRoom(now)
	}
	if now.Sub(before.Last) > visitorKept {
		before = visit{}
	}
	one.Count, one.Last = before.Count+1, now
	kind := visitorKey{port: one.Port, speaks: one.Speaks}
	log := !before.logged && now.Sub(v.logged[kind]) >= logVisitorEvery
	if log {
		v.logged[kind] = now
	}
	v.seen[key] = visit{Visitor: one, logged: before.logged || log}
	return log
}

// makeRoom forgets old visitors, and the oldest visitor if there are too many.
func (v *visitors) makeRoom(now time.Time) {
	var oldest visitorKey
	for key, one := range v.seen {
		if now.Sub(one.Last) > visitorKept {
			delete(v.seen, key)
		} else if oldest == (visitorKey{}) || one.Last.Before(v.seen[oldest].Last) {
			oldest = key
		}
	}
	if len(v.seen) >= mostVisitors {
		delete(v.seen, oldest)
	}
}

// recent returns the visitors of the last hour, sorted by port and address.
func (v *visitors) recent(now time.Time) []api.Visitor {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]api.Visitor, 0, len(v.seen))
	for _, one := range v.seen {
		if now.Sub(one.Last) <= visitorKept {
			all = append(all, one.Visitor)
		}
	}
	slices.SortFunc(all, func(a, b api.Visitor) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Speaks, b.Speaks))
	})
	return all
}
