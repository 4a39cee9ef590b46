package xds

import (
	"slices"
	"strings"
	"unique"
)

// text is a name. Most streams of a fleet ask for the same names: each name is kept once, and a
// stream has a pointer to it.
type text = unique.Handle[string]

// subscribed are the names of a stream, sorted.
type subscribed struct {
	names []text
	// versions are the accepted versions that SotW's version_info lists, one for each name; zero:
	// none. In delta the list is empty.
	versions []held
}

func (s *subscribed) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.names, name, func(one text, name string) int { return strings.Compare(one.Value(), name) })
}

// add adds a name, and returns the one string kept for the name.
func (s *subscribed) add(name string) string {
	at, there := len(s.names), false
	if at > 0 && s.names[at-1].Value() >= name { // most names come in order
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

// accept takes over the versions of a response.
func (s *subscribed) accept(r *response) { s.swap(r) }

// swap exchanges the versions of a response's names with the accepted versions, and returns the
// number of subscribed names. A name unsubscribed meanwhile keeps its version in the response.
func (s *subscribed) swap(r *response) (n int) {
	at, there := s.swapOne(&r.part, 0)
	n += there
	for i := range r.others {
		at, there = s.swapOne(&r.others[i], at)
		n += there
	}
	return n
}

// swapOne tries a place first: most responses have the order of the names.
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
