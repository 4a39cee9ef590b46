// Package trace turns the life of an edit into spans: from the sight of a spec to the last Envoy
// that runs the revision.
//
// A [Recorder] takes facts as they happen, and hands over each span when the span ends. The package
// is pure, apart from the random numbers of its ids: facts carry their times. The memory is
// bounded, because a span is recorded for a limited number of edits, and of Envoys of each edit.
//
// Read span.go, then edit.go (one edit), then recorder.go.
package trace
