// Package source defines sources of specs, which emit sets of specs over time.
package source

import (
	"context"
	"reflect"

	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Source emits sets of specs until its context ends.
type Source interface {
	// Run reads the specs and passes a [Set] to emit. Run emits another set whenever the specs or
	// the files that they refer to have changed. It calls emit from one goroutine, and returns
	// ctx's error when ctx ends.
	Run(ctx context.Context, emit func(Set)) error
}

// Syncer is a [Source] that can read its specs on request.
type Syncer interface {
	// Sync makes the source read the specs after the call has begun. It returns when the read is
	// done and emit has returned for the resulting set. A read without changes results in no set.
	//
	// The error says why the read failed or why its content is not used. It is or wraps a
	// [spec.Error] where possible. Sync waits while the source does not run, and returns ctx's
	// error when ctx ends. Sync is safe for concurrent use.
	Sync(ctx context.Context) error
}

// Set is the content of a source at one time. It is immutable.
type Set struct {
	// Specs are the valid documents, sorted by name, each name once.
	Specs []*spec.Spec
	// Roots are the prefixes of the files of several combined sources, each without the slash that
	// follows. A problem of one root says nothing about the others. nil means a single source.
	Roots []string
	// Errors are the errors of the documents that are not in Specs.
	Errors []*spec.Error
	// BrokenFiles are the files that could not be split into documents. The names of their former
	// documents are unknown, not gone. A directory in BrokenFiles stands for everything below.
	BrokenFiles []string
	// References has a fingerprint of each file that a spec names (module, configFrom). The
	// fingerprint changes whenever the file changes.
	References map[string]string
	// Differs is the difference between References and those of an earlier set, so thousands
	// of paths need not be compared. nil means unknown.
	Differs *Difference
	// Unavailable says why the source as a whole could not be read (directory gone, replaced by a
	// file, another mount). The fields above are empty then and mean nothing.
	Unavailable *spec.Error
	// Degraded describes a limitation of the source while the set itself is valid (inotify's limits
	// reached: only the rescan notices changes). nil means no limitation.
	Degraded *spec.Error
	// Parts are the statuses of several combined sources, also while the set is Unavailable. nil
	// means a single source.
	Parts []Part
}

// Part is the status of one of several combined sources.
type Part struct {
	// Root begins the files of the part's specs, as in [Set.Roots].
	Root string
	// Specs is the number of valid documents, Errors the number of errors.
	Specs, Errors int
	// Unavailable and Degraded have the same meaning as in [Set], for this part.
	Unavailable, Degraded *spec.Error
}

// Difference contains the paths for which the References of two sets differ. It is immutable.
type Difference struct {
	// From is the other set's References, the same map.
	From map[string]string
	// Paths are all paths with different values, or with a value in only one set.
	Paths []string
}

// SameReferences reports whether the References of two sets are the same map, which is faster than
// a comparison. The References of a set never change.
func SameReferences(a, b map[string]string) bool {
	return reflect.ValueOf(a).UnsafePointer() == reflect.ValueOf(b).UnsafePointer()
}
