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
	at, there := s.find(name)
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

func (s *subscribed) accept(name string, version held) {
	if at, there := s.find(name); there {
		s.versions[at] = version
	}
}
