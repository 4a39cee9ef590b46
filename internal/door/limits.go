package door

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
)

// logLimitEvery is the time between two log lines about a limit: refused Envoys connect again.
const logLimitEvery = 10 * time.Second

// limits are the limits for which streams were refused. They are safe for concurrent use; the
// zero value has no refusal.
type limits struct {
	mu     sync.Mutex
	hit    map[string]api.Limit // by name
	logged map[string]time.Time
}

// note counts a refusal, and says whether to log the refusal.
func (l *limits) note(one api.Limit, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hit == nil {
		l.hit, l.logged = map[string]api.Limit{}, map[string]time.Time{}
	}
	one.Refused, one.Last = l.hit[one.Name].Refused+1, now
	l.hit[one.Name] = one
	if now.Sub(l.logged[one.Name]) < logLimitEvery {
		return false
	}
	l.logged[one.Name] = now
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
