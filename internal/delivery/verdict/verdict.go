// Package verdict keeps the verdicts of Envoys: which revisions load on which Envoy version.
//
// A [Book] owns the verdicts and the list of the Envoy versions that gave them. Both are bounded. A
// [Cache] belongs to a group of subscribers of a version: thousands of subscribers ask for the
// same few verdicts. Nothing here is safe for concurrent use.
package verdict

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
)

// VersionLimit bounds the Envoy versions. A fleet has a few; further versions are made up, or long
// gone. Above the limit, versionsKept versions without a stream stay.
const (
	VersionLimit = 64
	versionsKept = 32
)

// Verdict is a refusal or a success, kept for a revision and an Envoy version.
// See docs/RATIONALE.md#why-are-verdicts-kept-for-a-revision-and-an-envoy-version.
type Verdict struct {
	Loads   bool
	Message string // Envoy's, for a refusal
}

// Key names a verdict.
type Key struct {
	Revision string
	Envoy    string // the Envoy version; "": not known
}

// Book has all verdicts. Use [New].
type Book struct {
	verdicts map[Key]Verdict
	versions map[string]time.Time // the versions with verdicts, and when each was seen last
	changes  uint64               // rises with every change, for [Cache]
}

// New makes an empty book.
func New() *Book {
	return &Book{verdicts: map[Key]Verdict{}, versions: map[string]time.Time{}}
}

// Of is the verdict of an Envoy version on r; false: there is none. Every Envoy loads the built-in
// stand-ins.
func (b *Book) Of(r *snapshot.Revision, envoy string) (Verdict, bool) {
	if r.BuiltIn {
		return Verdict{Loads: true}, true
	}
	v, judged := b.verdicts[Key{r.ID, envoy}]
	return v, judged
}

// Proven says whether r is known to load on an Envoy version.
func (b *Book) Proven(r *snapshot.Revision, envoy string) bool {
	v, judged := b.Of(r, envoy)
	return judged && v.Loads
}

// Loads says whether the revision with that key is known to load.
func (b *Book) Loads(key Key) bool { return b.verdicts[key].Loads }

// Set notes a verdict, and says whether it is news. connected tells the versions of the connected
// Envoys: their verdicts are never dropped for want of room.
func (b *Book) Set(r *snapshot.Revision, envoy string, v Verdict, now time.Time, connected func() map[string]struct{}) bool {
	if r.BuiltIn {
		return false
	}
	key := Key{r.ID, envoy}
	if old, judged := b.verdicts[key]; judged && old == v {
		return false
	}
	b.verdicts[key] = v
	b.changes++
	b.versions[envoy] = now
	b.bound(connected)
	return true
}

// Restore takes a verdict over from a former process.
func (b *Book) Restore(key Key, v Verdict, now time.Time) {
	b.versions[key.Envoy] = now
	b.verdicts[key] = v
	b.changes++
}

// On has the verdicts on a revision, by Envoy version. The order is random.
func (b *Book) On(revision string) func(yield func(Key, Verdict) bool) {
	return func(yield func(Key, Verdict) bool) {
		for envoy := range b.versions {
			key := Key{revision, envoy}
			if v, judged := b.verdicts[key]; judged && !yield(key, v) {
				return
			}
		}
	}
}

// All has all verdicts. The order is random.
func (b *Book) All() map[Key]Verdict { return b.verdicts }

// Changes rises with every change of a verdict.
func (b *Book) Changes() uint64 { return b.changes }

// Len is the number of verdicts.
func (b *Book) Len() int { return len(b.verdicts) }

// Versions are the Envoy versions with verdicts, sorted.
func (b *Book) Versions() []string { return slices.Sorted(maps.Keys(b.versions)) }

// Saw notes that an Envoy of the version is connected.
func (b *Book) Saw(envoy string, now time.Time) {
	if _, known := b.versions[envoy]; known {
		b.versions[envoy] = now
	}
}

// Refused says whether an Envoy of any version has refused the revision.
func (b *Book) Refused(revision string) bool {
	_, refused := b.Outcomes(revision)
	return refused
}

// Outcomes says whether the revision loads on an Envoy of any version, and whether an Envoy of any
// version has refused it.
func (b *Book) Outcomes(revision string) (loads, refused bool) {
	for _, v := range b.On(revision) {
		loads, refused = loads || v.Loads, refused || !v.Loads
	}
	return loads, refused
}

// DropRefusals drops the refusals of a revision, which is tried again.
func (b *Book) DropRefusals(revision string) {
	for key, v := range b.On(revision) {
		if !v.Loads {
			delete(b.verdicts, key)
			b.changes++
		}
	}
}

// Forget drops one verdict.
func (b *Book) Forget(key Key) {
	delete(b.verdicts, key)
	b.changes++
}

// Drop drops all verdicts on a revision.
func (b *Book) Drop(revision string) {
	for envoy := range b.versions {
		delete(b.verdicts, Key{revision, envoy})
	}
	b.changes++
}

// Prune drops the verdicts on revisions that are not served any more, and the versions that are
// left without a verdict.
func (b *Book) Prune(served func(revision string) bool) {
	maps.DeleteFunc(b.verdicts, func(k Key, _ Verdict) bool { return !served(k.Revision) })
	b.changes++
	judged := map[string]struct{}{}
	for key := range b.verdicts {
		judged[key.Envoy] = struct{}{}
	}
	maps.DeleteFunc(b.versions, func(envoy string, _ time.Time) bool {
		_, has := judged[envoy]
		return !has
	})
}

// bound drops the versions that were not seen for longest, and their verdicts, if there are too
// many versions. Versions with a connected Envoy stay.
func (b *Book) bound(connected func() map[string]struct{}) {
	if len(b.versions) <= VersionLimit {
		return
	}
	there := connected()
	away := slices.DeleteFunc(b.Versions(), func(envoy string) bool {
		_, connected := there[envoy]
		return connected
	})
	slices.SortStableFunc(away, func(a, c string) int {
		return cmp.Or(b.versions[c].Compare(b.versions[a]), cmp.Compare(a, c))
	})
	for _, envoy := range away[min(versionsKept, len(away)):] {
		delete(b.versions, envoy)
	}
	maps.DeleteFunc(b.verdicts, func(k Key, _ Verdict) bool {
		_, kept := b.versions[k.Envoy]
		return !kept
	})
	b.changes++
}

// Cache has the last two verdicts that one group asked for: on the candidate and on the stable
// revision. A lookup in the book hashes two strings, and a rollout to thousands of subscribers
// makes several for each. BenchmarkPush notices the loss. The zero value is empty.
type Cache [2]cached

type cached struct {
	of     *snapshot.Revision
	at     uint64 // Book.changes
	v      Verdict
	judged bool
}

// Of is [Book.Of] with the cache of a group. All Envoys of the group have that version.
func (c *Cache) Of(b *Book, r *snapshot.Revision, envoy string) (Verdict, bool) {
	for i := range c {
		if l := &c[i]; l.of == r && l.at == b.changes {
			return l.v, l.judged
		}
	}
	v, judged := b.Of(r, envoy)
	c[1], c[0] = c[0], cached{r, b.changes, v, judged}
	return v, judged
}
