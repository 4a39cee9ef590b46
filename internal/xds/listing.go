package xds

import (
	"slices"
	"unique"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// listing is a request's list of names, the same for most Envoys of a fleet. Immutable: all streams
// with the same list share it. nil lists nothing.
type listing struct {
	names []text                  // sorted
	order []uint16                // the places in names of the request's names, one after the other
	anew  []delivery.Subscription // to all names, for an Envoy that runs nothing; nil: no other stream is expected to have the same list
}

func newListing(request []string) *listing {
	sorted := slices.Clone(request)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	l := &listing{names: make([]text, 0, len(sorted)), order: make([]uint16, 0, len(request))}
	for _, name := range sorted {
		if !isWildcard(name) {
			l.names = append(l.names, unique.Make(name))
		}
	}
	all := subscribed{names: l.names}
	for _, name := range request {
		at, _ := all.find(name)
		l.order = append(l.order, uint16(at)) // MostNamesPerStream fits
	}
	return l
}

func (l *listing) values() []string {
	names := make([]string, len(l.names))
	for i, one := range l.names {
		names[i] = one.Value()
	}
	return names
}

// is says whether a request has the same list. Every ACK has the list of the request before. false
// may also mean that the request has a name without a meaning.
func (l *listing) is(request []byte) bool {
	if l == nil {
		l = &listing{}
	}
	n := 0
	for name := range namesIn(request) {
		if n >= len(l.order) || int(l.order[n]) >= len(l.names) || l.names[l.order[n]].Value() != string(name) {
			return false
		}
		n++
	}
	return n == len(l.order)
}

// listings are the last few lists of first requests. The zero value has none.
type listings struct{ recent[listing] }

// find returns the listing of a request; nil: the listing is not known.
func (l *listings) find(request []byte) *listing {
	return l.first(func(one *listing) bool { return one.is(request) })
}

// of returns the listing of the names asked for. The listing of a stream's first request is kept,
// unless it is too short to be worth the memory.
func (l *listings) of(a asked, first bool) *listing {
	if a.listing != nil {
		return a.listing
	}
	one := newListing(a.names)
	if first && len(one.names) > fewNames {
		for _, name := range one.values() {
			one.anew = append(one.anew, delivery.Subscription{Name: name})
		}
		l.keep(one)
	}
	return one
}
