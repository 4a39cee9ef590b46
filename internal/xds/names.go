package xds

import (
	"net/url"
	"slices"
	"strings"
	"unique"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// subscribed are the names of a stream, sorted, each with the version that SotW's
// version_info lists. Most streams of a fleet ask for the same names, and run the
// same versions: both are kept once for all.
type subscribed []subscription

type subscription struct {
	name    string
	escaped string // as version_info has it
	version string // accepted; "": none, and always in delta
}

func (s subscribed) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s, name, func(one subscription, name string) int { return strings.Compare(one.name, name) })
}

// add makes room for a name, and gives the one string that is kept of it.
func (s *subscribed) add(name string) string {
	at, there := s.find(name)
	if !there {
		shared := unique.Make(name).Value()
		*s = slices.Insert(*s, at, subscription{name: shared, escaped: escape(shared)})
	}
	return (*s)[at].name
}

func escape(name string) string {
	escaped := url.QueryEscape(name)
	if escaped == name {
		return name
	}
	return unique.Make(escaped).Value()
}

func (s *subscribed) remove(name string) bool {
	at, there := s.find(name)
	if there {
		*s = slices.Delete(*s, at, at+1)
	}
	return there
}

func (s subscribed) accept(name, version string) {
	if at, there := s.find(name); there {
		s[at].version = version
	}
}

// versionInfo lists name and version of what was accepted, and of what is sent
// now: the client gives the list back, on its next stream too, as it was with the
// last response that it accepted.
func (s subscribed) versionInfo(name, version string) string {
	size := len(name) + len(version) + 2
	for i := range s {
		size += len(s[i].escaped) + len(s[i].version) + 2
	}
	var info strings.Builder
	info.Grow(size)
	listed := false
	for i := range s {
		v := s[i].version
		if s[i].name == name {
			v, listed = version, true
		}
		if v != "" {
			appendEntry(&info, s[i].escaped, v)
		}
	}
	if !listed {
		// It has unsubscribed meanwhile.
		appendEntry(&info, escape(name), version)
	}
	return info.String()
}

func appendEntry(info *strings.Builder, escaped, version string) {
	if info.Len() > 0 {
		info.WriteByte(',')
	}
	info.WriteString(escaped)
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
			accepted[name] = unique.Make(version).Value()
		}
	}
	return accepted
}
