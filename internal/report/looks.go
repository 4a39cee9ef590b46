package report

import "github.com/wasm-xds/wasm-xds/internal/api"

// Looks are the newest looks at the health of revisions, by filter. The zero value has none.
type Looks struct{ all map[string]lookAt }

type lookAt struct {
	revision string
	look     api.RolloutHealth
}

// Set keeps a look at a revision of a filter, in place of the one before.
func (l *Looks) Set(filter, revision string, look api.RolloutHealth) {
	if l.all == nil {
		l.all = map[string]lookAt{}
	}
	l.all[filter] = lookAt{revision, look}
}

// Of returns the newest look at a revision of a filter; false: nobody has looked yet.
func (l *Looks) Of(filter, revision string) (api.RolloutHealth, bool) {
	one, ok := l.all[filter]
	return one.look, ok && one.revision == revision
}

// Keep drops the looks at filters that are no more.
func (l *Looks) Keep(is func(filter string) bool) {
	for name := range l.all {
		if !is(name) {
			delete(l.all, name)
		}
	}
}
