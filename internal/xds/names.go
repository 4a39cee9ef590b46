package xds

import (
	"slices"
	"strings"
	"unique"
)

// text is a name. Most streams of a fleet ask for the same: each is kept once for all, and
// a stream has a pointer to it.
type text = unique.Handle[string]

// subscribed are the names of a stream, sorted.
type subscribed struct {
	names []text
	// versions are what SotW's version_info lists of each name: the accepted one, zero for
	// none. In delta there are none.
	versions []held
}

func (s *subscribed) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.names, name, func(one text, name string) int { return strings.Compare(one.Value(), name) })
}

// add makes room for a name, and gives the one string that is kept of it.
func (s *subscribed) add(name string) string {
	at, there := len(s.names), false
	if at > 0 && s.names[at-1].Value() >= name { // most come in order
		at, there = s.find(name)
	}
	if !there {
		s.names = slices.Insert(s.names, at, unique.Make(name))
	}
	return s.names[at].Value()
}

func (s *subscribed) remove(name string) bool {
	at, there := s.find(name)
	if there {
		s.names = slices.Delete(s.names, at, at+1)
	}
	return there
}

// accept takes the versions of a response.
func (s *subscribed) accept(r *response) { s.swap(r) }

// swap gives a response's names its versions, and the response theirs, and says how many there
// are. One that has been unsubscribed meanwhile keeps its own.
func (s *subscribed) swap(r *response) (n int) {
	at, there := s.swapOne(&r.part, 0)
	n += there
	for i := range r.others {
		at, there = s.swapOne(&r.others[i], at)
		n += there
	}
	return n
}

// swapOne looks at a place first: most responses have the order of the names.
func (s *subscribed) swapOne(one *part, at int) (next, n int) {
	if at >= len(s.names) || s.names[at].Value() != one.name {
		found, there := s.find(one.name)
		if !there {
			return at, 0
		}
		at = found
	}
	s.versions[at], one.held = one.held, s.versions[at]
	return at + 1, 1
}
