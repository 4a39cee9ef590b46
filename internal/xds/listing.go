package xds

import (
	"slices"
	"unique"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// listing is what a request lists, the same for most Envoys of a fleet. It is immutable: all
// streams that list the same share it. nil lists nothing.
type listing struct {
	names []text                  // sorted
	order []uint16                // where in names the request's are, one after the other
	anew  []delivery.Subscription // to all of them, of an Envoy that runs none; nil: nobody else is expected to list the same
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

// is says whether a request lists the same, as every ACK lists what the request before it did. false may also mean that
// it has a name that means nothing.
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

// listings are the last few that streams began with. The zero value has none.
type listings struct{ recent[listing] }

// find gives the listing of a request; nil: it is not known.
func (l *listings) find(request []byte) *listing {
	return l.first(func(one *listing) bool { return one.is(request) })
}

// of is the listing of what is asked for. That of a stream's first request is kept, unless it is too short to
// be worth it.
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
