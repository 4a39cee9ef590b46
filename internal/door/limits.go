package door

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/address"
	"github.com/wasm-xds/wasm-xds/internal/api"
)

// logLimitEvery is the time between two log lines about a limit and a host: refused Envoys connect
// again. mostLogged bounds the lines in that time.
const (
	logLimitEvery = time.Minute
	mostLogged    = 100
)

// limits are the limits for which streams were refused. They are safe for concurrent use; the
// zero value has no refusal.
type limits struct {
	mu     sync.Mutex
	hit    map[string]api.Limit // by name
	logged map[limitKey]time.Time
}

type limitKey struct{ limit, host string }

// note counts a refusal, and says whether to log the refusal.
func (l *limits) note(one api.Limit, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hit == nil {
		l.hit, l.logged = map[string]api.Limit{}, map[limitKey]time.Time{}
	}
	one.Refused, one.Last = l.hit[one.Name].Refused+1, now
	l.hit[one.Name] = one
	key := limitKey{one.Name, address.Host(one.Address)}
	if now.Sub(l.logged[key]) < logLimitEvery {
		return false
	}
	if len(l.logged) >= mostLogged {
		maps.DeleteFunc(l.logged, func(_ limitKey, at time.Time) bool { return now.Sub(at) >= logLimitEvery })
	}
	if len(l.logged) >= mostLogged {
		return false
	}
	l.logged[key] = now
	return true
}

// all returns the reached limits, sorted by name.
func (l *limits) all() []api.Limit {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]api.Limit, 0, len(l.hit))
	for _, one := range l.hit {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b api.Limit) int { return strings.Compare(a.Name, b.Name) })
	return all
}
