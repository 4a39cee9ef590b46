package subscription

import (
	"slices"
	"strings"
	"unique"
)

// text is a name. Most streams of a fleet ask for the same names: each name is kept once, and a
// stream has a pointer to it.
type text = unique.Handle[string]

// names are the names of a stream, sorted.
type names []text

func (n names) find(name string) (at int, there bool) {
	return slices.BinarySearchFunc(n, name, func(one text, name string) int { return strings.Compare(one.Value(), name) })
}

// add adds a name, and returns the one string kept for the name.
func (n *names) add(name string) string {
	at, there := len(*n), false
	if at > 0 && (*n)[at-1].Value() >= name { // most names come in order
		at, there = n.find(name)
	}
	if !there {
		*n = slices.Insert(*n, at, unique.Make(name))
	}
	return (*n)[at].Value()
}

func (n *names) remove(name string) bool {
	at, there := n.find(name)
	if there {
		*n = slices.Delete(*n, at, at+1)
	}
	return there
}

func (n names) values() []string {
	values := make([]string, len(n))
	for i, one := range n {
		values[i] = one.Value()
	}
	return values
}

// isWildcard says whether a name has no meaning in ECDS.
func isWildcard(name string) bool { return name == "" || name == "*" }

// fewNames is the number of names up to which version_info lists them as they are, and up to which
// lists and version_infos are not worth sharing.
const fewNames = 8
