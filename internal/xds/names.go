package xds

import (
	"net/url"
	"slices"
	"strings"
	"unique"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// text is a name or a version. Most streams of a fleet ask for the same names, and run
// the same versions: each is kept once for all, and a stream has a pointer to it.
type text = unique.Handle[string]

// subscribed are the names of a stream, sorted.
type subscribed struct {
	names []text
	// versions are what SotW's version_info lists of each name: the accepted one, "" for
	// none. In delta there are none.
	versions []text
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

// of is the version of the name at that place.
func (s *subscribed) of(at int) string { return s.versions[at].Value() }

func (s *subscribed) accept(name, version string) {
	if at, there := s.find(name); there {
		s.versions[at] = unique.Make(version)
	}
}

// versionInfo lists name and version of what was accepted, and of what is sent
// now: the client gives the list back, on its next stream too, as it was with the
// last response that it accepted.
func (s *subscribed) versionInfo(name, version string) string {
	size := len(name) + len(version) + 2
	for i := range s.names {
		size += len(s.names[i].Value()) + len(s.of(i)) + 2
	}
	var info strings.Builder
	info.Grow(size)
	listed := false
	for i := range s.names {
		one, v := s.names[i].Value(), s.of(i)
		if one == name {
			v, listed = version, true
		}
		if v != "" {
			appendEntry(&info, one, v)
		}
	}
	if !listed {
		// It has unsubscribed meanwhile.
		appendEntry(&info, name, version)
	}
	return info.String()
}

func appendEntry(info *strings.Builder, name, version string) {
	if info.Len() > 0 {
		info.WriteByte(',')
	}
	info.WriteString(url.QueryEscape(name)) // the name itself, where nothing is to be escaped
	info.WriteByte('=')
	info.WriteString(version)
}

// parseVersionInfo reads what versionInfo wrote; of another server's version_info
// it makes nothing.
func parseVersionInfo(info string) map[string]string {
	accepted := map[string]string{}
	for entry := range strings.SplitSeq(info, ",") {
		escaped, version, ok := strings.Cut(entry, "=")
		if !ok {
			continue
		}
		name, err := url.QueryUnescape(escaped)
		if err != nil {
			continue
		}
		if _, ok := delivery.ParseVersion(version); ok {
			accepted[name] = version
		}
	}
	return accepted
}
