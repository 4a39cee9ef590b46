package control

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/checkqueue"
	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/examine"
	"github.com/wasm-xds/wasm-xds/internal/ledger"
	"github.com/wasm-xds/wasm-xds/internal/record"
	"github.com/wasm-xds/wasm-xds/internal/track"
	"github.com/wasm-xds/wasm-xds/internal/transfer"
	"github.com/wasm-xds/wasm-xds/pkg/snapshot"
	"github.com/wasm-xds/wasm-xds/pkg/source"
)

// The messages of the inbox are these, the events of delivery ([delivery.Event]), the answers of
// registries ([tags.Poll]), questions and requests of a sync.
type (
	// newSet: the source has read its specs.
	newSet struct{ set source.Set }

	// tasksEnded has the results of tasks, and downloadWaits the reason for which a download
	// pauses.
	tasksEnded struct {
		tasks   []*track.Task
		results []track.Result
	}
	downloadWaits struct {
		task *track.Task
		why  transfer.Wait
	}

	// checkIsSlow: a check has run for [checkqueue.Moment]. checkEnded is the end of a run.
	checkIsSlow struct{ check *checkqueue.Check }
	checkEnded  struct {
		track.End
		took time.Duration
	}

	// mendDue: the pause before the repair of modules is over.
	mendDue struct{}

	// stateSaved, unsettledSaved and findingsSaved are the ends of writes.
	stateSaved struct {
		seq uint64 // of the saved memory
		err error
	}
	unsettledSaved struct{ err error }
	findingsSaved  struct{ err error }

	// historyLoaded has the record of an earlier process, and the key of its hidden values.
	// historySaved is the end of a write of the record, with the numbers of the files that were not
	// written.
	historyLoaded struct {
		book *record.Book
		key  []byte
	}
	historySaved struct {
		failed []int
		err    error
	}

	// ledgerTold has an event of the ledger. sendNoted is an unproven send whose note is in the
	// ledger, or was not written.
	ledgerTold struct{ event ledger.Event }
	sendNoted  struct {
		send delivery.Send
		err  error
	}

	// described has the details of revisions, and appraised the cost of one; nil: it was not
	// measured.
	described struct {
		jobs    []description
		details []record.Details
	}
	appraised struct {
		name, revision string
		cost           *api.ModuleCost
		cancelled      bool
	}
)

// description is a revision to describe for the record.
type description struct {
	revision *snapshot.Revision
	filter   *snapshot.Filter // nil: a revision of a time before the record
	// pinned says a user has gone back to the revision: its commit is of an earlier edit.
	pinned bool
	tries  int       // for the commit
	due    time.Time // of the next try
}

// firstCode returns the code of the first error of findings; "": no error.
func firstCode(v examine.Findings) string {
	if len(v.Errors) == 0 {
		return ""
	}
	return v.Errors[0].Code
}
