package subscription

import (
	"slices"
	"unique"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/xds/wire"
)

// MostNames is the room of a [List].
const MostNames = 1<<16 - 1

// List is a request's list of names, the same for most Envoys of a fleet. Immutable: all streams
// with the same list share it. nil lists nothing.
type List struct {
	names names
	order []uint16                // the places in names of the request's names, in the request's order
	anew  []delivery.Subscription // to all names, for an Envoy that runs nothing; nil: not shared
}

// NewList makes a list of a request's names: at most [MostNames], in any order. Names without a
// meaning in ECDS are left out.
func NewList(request []string) *List {
	sorted := slices.Clone(request)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	l := &List{names: make(names, 0, len(sorted)), order: make([]uint16, 0, len(request))}
	for _, name := range sorted {
		if !isWildcard(name) {
			l.names = append(l.names, unique.Make(name))
		}
	}
	for _, name := range request {
		at, _ := l.names.find(name)
		l.order = append(l.order, uint16(at)) // MostNames fits
	}
	return l
}

// Is says whether an encoded request has the same names in the same order. Every SotW ACK repeats
// the list of the former request. false may also mean a name without a meaning in the request.
func (l *List) Is(request []byte) bool {
	if l == nil {
		l = &List{}
	}
	n := 0
	for name := range wire.Names(request) {
		if n >= len(l.order) || int(l.order[n]) >= len(l.names) || l.names[l.order[n]].Value() != string(name) {
			return false
		}
		n++
	}
	return n == len(l.order)
}

// all are the names of the list.
func (l *List) all() names {
	if l == nil {
		return nil
	}
	return l.names
}

// forNew are the subscriptions of an Envoy that runs nothing, if streams share them; else nil.
func (l *List) forNew() []delivery.Subscription {
	if l == nil {
		return nil
	}
	return l.anew
}

// Lists are the last few lists of first requests. The zero value has none. Safe for concurrent use.
type Lists struct{ recent recent[List] }

// Find returns the list of a stream's first request, which is encoded; nil: the list is not known.
func (l *Lists) Find(request []byte) *List {
	return l.recent.first(func(one *List) bool { return one.Is(request) })
}

// mostShared is the length of the longest names together that are kept for other streams. Names
// without a spec are made up at will.
const mostShared = 512 << 10

// First makes the list of a stream's first request, and keeps it for other streams, unless the list
// is too short to be worth the memory, or too long.
func (l *Lists) First(request []string) *List {
	one := NewList(request)
	length := 0
	for _, name := range request {
		length += len(name)
	}
	if len(one.names) > fewNames && length <= mostShared {
		one.anew = make([]delivery.Subscription, 0, len(one.names))
		for _, name := range one.names {
			one.anew = append(one.anew, delivery.Subscription{Name: name.Value()})
		}
		l.recent.keep(one)
	}
	return one
}
