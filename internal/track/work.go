package track

import (
	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/pkg/spec"
)

// Work is the consequence of an Advance, for the caller to do.
type Work struct {
	// Start are the tasks to start, and Stop the downloads to stop.
	Start, Stop []*Task
	// Begun are the specs with journeys that begin with this Advance.
	Begun []*spec.Spec
	// Cancel are the running checks to cancel. The caller also starts the checks that
	// [checkqueue.Queue.Next] returns.
	Cancel []*checkqueue.Check
	// News are findings to log, and Known the number of specs with findings that were known.
	News  []News
	Known int
	// Wait: no plan is due, because local files are being read. A change makes a single plan.
	Wait bool
}

// News are findings about a spec, for the log.
type News struct {
	Revision string      // "": the content has none
	Err      *spec.Error // the sandbox refuses the revision; nil: it does not
	Warnings []*spec.Error
}
