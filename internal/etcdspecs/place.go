// Package etcdspecs keeps a bundle of specs in etcd.
//
// place.go is the place: etcd://PREFIX. format.go has the keys and the sizes, and is pure. push.go
// writes a bundle in one atomic step, read.go reads a bundle at a revision of etcd, and
// problem.go words the errors.
//
// Below the place, the key head names the manifest of the bundle, and blobs/ has the contents by
// hash. A push puts the missing contents first, and the head in the last transaction. So a reader
// of the head finds all contents at the head's revision, whatever the number of specs. A push holds
// the lock of the place, and each transaction of the push compares the lock. The next push removes
// the contents without a head, and no push does so under another push.
package etcdspecs

import (
	"errors"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scheme begins the name of a place in etcd.
const Scheme = "etcd://"

// maxPrefix bounds the length of a prefix, in bytes.
const maxPrefix = 256

// lockTTL is the time until the lock of a killed push is free, in seconds.
const lockTTL = 15

// below follows the prefix in the keys of specs. Other parts of a fleet have other keys below the
// prefix.
const below = "/specs"

// Place is the place of one bundle in etcd. The zero value is no place.
type Place struct {
	prefix string // begins with a slash, and does not end with one
}

// IsPlace says whether an argument names a place in etcd.
func IsPlace(arg string) bool { return strings.HasPrefix(arg, Scheme) }

// ParsePlace reads etcd://PREFIX. A slash in front, a slash at the end and /specs at the end make
// no difference.
func ParsePlace(arg string) (Place, error) {
	prefix, found := strings.CutPrefix(arg, Scheme)
	prefix = strings.TrimSuffix(strings.Trim(prefix, "/"), below)
	first, _, _ := strings.Cut(prefix, "/")
	switch {
	case !found:
		return Place{}, errors.New("it does not begin with " + Scheme)
	case prefix == "" || prefix == strings.TrimPrefix(below, "/"):
		return Place{}, errors.New("it has no prefix: name one, as in " + Scheme + "/wasm-xds")
	case len(prefix) > maxPrefix:
		return Place{}, errors.New("its prefix is too long")
	case strings.Contains(first, ":") && !strings.HasPrefix(strings.TrimPrefix(arg, Scheme), "/"):
		return Place{}, errors.New("it has an address: the addresses of etcd go to --etcd-endpoints, and the prefix of keys goes here, as in " + Scheme + "/wasm-xds")
	case !utf8.ValidString(prefix) || strings.ContainsFunc(prefix, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
		return Place{}, errors.New("its prefix has characters that no prefix should have")
	case path.Clean("/"+prefix) != "/"+prefix:
		return Place{}, errors.New("its prefix has an empty part, or . or .. as a part")
	}
	return Place{"/" + prefix}, nil
}

// String returns the place as etcd:///prefix. It begins the files of the place's specs.
func (p Place) String() string { return Scheme + p.prefix }

func (p Place) head() string  { return p.prefix + below + "/head" }
func (p Place) blobs() string { return p.prefix + below + "/blobs/" }
func (p Place) lock() string  { return p.prefix + below + "/lock" }

// Head returns the key that changes with each new bundle.
func (p Place) Head() string { return p.head() }
