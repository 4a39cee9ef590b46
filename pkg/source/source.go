// Package source brings sets of specs over time.
package source

import (
	"context"
	"reflect"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Source brings sets of specs until its context ends.
type Source interface {
	// Run reads the specs, hands a [Set] to emit, and again whenever anything a
	// set depends on has changed, the files that specs refer to included. It
	// calls emit from one goroutine, and returns ctx's error when ctx ends.
	Run(ctx context.Context, emit func(Set)) error
}

// Syncer is a [Source] that can be asked to read its specs as they are now.
type Syncer interface {
	// Sync has the specs read after the call has begun, and returns when that is done: the set
	// that the read led to has been passed to emit, and emit has returned. A read that finds
	// nothing new leads to no set. The error says why the read failed or what of it is not
	// taken; it is or wraps a [spec.Error] where there is one. Sync waits while the source does not run, and
	// returns ctx's error when ctx ends. It may be called from any goroutine.
	Sync(ctx context.Context) error
}

// Set is everything a source says at one time. It is immutable.
type Set struct {
	// Specs are the valid documents, sorted by name, each name once.
	Specs []*spec.Spec
	// Roots begin the files of the specs, each followed by a slash, where several sources
	// are one: what empties one of them says nothing of the others. Nil: there is one.
	Roots []string
	// Errors are the problems of the documents that are not in Specs.
	Errors []*spec.Error
	// BrokenFiles are the files that could not be taken apart into documents at
	// all: whatever names they held before are unknown, not gone. A directory among
	// them stands for everything below it.
	BrokenFiles []string
	// References tells for each file that a spec names (module, configFrom)
	// what was seen of it: a value that changes when the file changes.
	References map[string]string
	// Differs says how References differ from those of an earlier set, so that thousands of
	// paths need not be compared. Nil: that is not known.
	Differs *Difference
	// Unavailable says why the source as a whole could not be read (directory gone,
	// replaced by a file, another mount); then the fields above are empty and mean nothing.
	Unavailable *spec.Error
	// Degraded says what does not work as well as it should, while the set itself
	// is good (inotify's limits reached: changes are seen by rescan only). Nil: nothing.
	Degraded *spec.Error
	// Parts say how each of several sources is, where the set comes from several; also while
	// the set is Unavailable. Nil: there is one source.
	Parts []Part
}

// Part says how one of several sources is.
type Part struct {
	// Root begins the files of the part's specs, as in [Set.Roots].
	Root string
	// Specs is the number of its valid documents, Errors that of its problems.
	Specs, Errors int
	// Unavailable and Degraded are the part's own, as in [Set].
	Unavailable, Degraded *spec.Error
}

// Difference says in which paths one set's References differ from another's. It is immutable.
type Difference struct {
	// From are the other References: that very map.
	From map[string]string
	// Paths are all whose values differ, or that only one of the two has.
	Paths []string
}

// SameReferences says whether the References of two sets are one map, which is cheaper to see
// than that they are equal. No set's are ever changed.
func SameReferences(a, b map[string]string) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}
