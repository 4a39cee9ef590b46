package tags

import (
	"math/rand/v2"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

const (
	// pollFirst is the longest time before a tag's first poll after a start: the tag may have
	// moved while no server looked.
	pollFirst = 5 * time.Second
	// LookEvery is the time between two polls of a tag without a refresh, which serve only the
	// status.
	LookEvery = 10 * time.Minute
)

// naming is a spec's use of a tag. It stays while the spec names the tag, or the filter
// is served although the spec cannot be read.
type naming struct {
	reference string
	digest    string        // the spec's digest of the tag; "": not looked up yet
	refresh   time.Duration // 0: the digest never changes
	module    spec.Module   // the spec's module, for its credentials
	due       time.Time     // of the next poll; zero: none is due
	waits     bool          // for the answer of a running poll
	left      bool          // no readable spec names the tag
}

// tag is the data that the namings of a reference share.
type tag struct {
	leads   string // the digest in the last answer of a registry; "": not asked yet
	polling bool
	failed  int         // polls in a row
	err     *spec.Error // of the last poll, if a naming has a refresh
}

// sameTags says whether no spec that differs between two sets names a tag. Both sets are sorted,
// and an unchanged spec is the same pointer in both.
func sameTags(before, now []*spec.Spec) bool {
	for len(before) > 0 || len(now) > 0 {
		switch {
		case len(before) > 0 && len(now) > 0 && before[0] == now[0]:
			before, now = before[1:], now[1:]
		case len(now) == 0 || len(before) > 0 && before[0].Name < now[0].Name:
			if Tagged(before[0]) {
				return false
			}
			before = before[1:]
		default:
			if Tagged(now[0]) {
				return false
			}
			now = now[1:]
		}
	}
	return true
}

// Tagged says whether the spec's module has a tag in a registry, and no digest.
func Tagged(s *spec.Spec) bool { return s.Module.OCI.Registry != "" && !s.Module.OCI.Pinned() }

// every is the time between two polls.
func (one *naming) every() time.Duration {
	if one.refresh > 0 {
		return one.refresh
	}
	return LookEvery
}

// after returns the time until the next poll, after so many failures in a row.
func (one *naming) after(failed int, pauses pause.Policy) time.Duration {
	if failed == 0 || one.refresh == 0 {
		return one.every()
	}
	return min(one.refresh, pauses.After(failed))
}

// goOn continues a former naming of the same tag.
func (one *naming) goOn(before *naming, now time.Time) {
	one.digest, one.due, one.waits = before.digest, before.due, before.waits
	switch {
	case one.digest == "" || one.waits:
	case one.refresh > 0 && before.refresh == 0:
		one.due = now.Add(rand.N(min(one.refresh, pollFirst)))
	case one.due.IsZero():
		one.due = now.Add(rand.N(one.every()))
	case before.refresh != one.refresh:
		one.due = now.Add(jittered(one.every()))
	}
}

// jittered is a time around d, so a hundred servers do not ask in the same moment.
func jittered(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5+1) }
