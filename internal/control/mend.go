package control

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/pause"
	"github.com/wasm-xds/wasm-xds/internal/track"
)

// mending repairs modules on the disk after a resource could not be built: a module's bytes did
// not match its name, or could not be read. Every module is fetched again from the place that its
// spec names, and the failed resources are sent then. If no module can be fetched, the control
// just sends again, for the cause may have passed.
// See docs/RATIONALE.md#how-does-the-server-repair-a-stored-module-that-cannot-be-read.
type mending struct {
	later bool // a mend is scheduled for later, because the last one has just begun
	begun time.Time
	inRow int // the number of mends in close succession, with this one
	// waits are the reads of the mend that have not ended.
	waits map[*track.Task]struct{}
}

// mendPauses are the pauses between two mends. A disk that destroys every file must not keep the
// server busy.
var mendPauses = pause.Policy{First: 5 * time.Second, Most: time.Minute}

// next returns the time at which a mend may begin after a build has failed now.
func (m *mending) next(now time.Time) time.Time {
	if m.inRow == 0 || now.Sub(m.begun) > 2*mendPauses.Most {
		m.inRow = 0 // the earlier mends had another cause
		return now
	}
	return m.begun.Add(mendPauses.After(m.inRow))
}

// begin notes the start of a mend, and its reads.
func (m *mending) begin(now time.Time, waits map[*track.Task]struct{}) {
	*m = mending{begun: now, inRow: m.inRow + 1, waits: waits}
}

// ended takes the end of reads, and says whether to send again: the mend waits for no local
// file any more. A download may take an hour, and its end is worth a further try.
func (m *mending) ended(tasks []*track.Task) bool {
	some := false
	for _, task := range tasks {
		if _, ok := m.waits[task]; ok {
			some = true
			delete(m.waits, task)
		}
	}
	return some && !m.waitsForFiles()
}

func (m *mending) waitsForFiles() bool {
	for task := range m.waits {
		if !task.Slow() {
			return true
		}
	}
	return false
}
