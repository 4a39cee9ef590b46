package control

import (
	"context"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

// mending repairs modules on the disk after a resource could not be built: a module's bytes did
// not match its name, or could not be read. Every module is fetched again from the place that its
// spec names, and the failed resources are sent then. If no module can be fetched, the control
// just sends again, for the cause may have passed.
// See docs/RATIONALE.md#how-does-the-server-repair-a-stored-module-that-cannot-be-read.
type mending struct {
	due   bool // a mend is scheduled for later, because the last one has just begun
	begun time.Time
	inRow int // the number of mends in close succession, with this one
	// waits are the mend's jobs.
	waits map[string]struct{}
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

// begin notes the start of a mend, and its jobs.
func (m *mending) begin(now time.Time, waits map[string]struct{}) {
	*m = mending{begun: now, inRow: m.inRow + 1, waits: waits}
}

// ended takes the results of jobs, and says whether to send again: the mend waits for no local
// job any more. A download may take an hour, and its end is worth a further try.
func (m *mending) ended(keys map[string]result) bool {
	some := false
	for key := range keys {
		if _, ok := m.waits[key]; ok {
			some = true
			delete(m.waits, key)
		}
	}
	return some && !m.waitsForFiles()
}

func (m *mending) waitsForFiles() bool {
	for key := range m.waits {
		if !strings.HasPrefix(key, downloadKey) {
			return true
		}
	}
	return false
}

// mendSoon begins a mend, at once or after the pause.
func (c *Control) mendSoon(ctx context.Context) {
	if c.mending.due {
		return
	}
	wait := time.Until(c.mending.next(time.Now()))
	if wait <= 0 {
		c.mend(ctx)
		return
	}
	c.mending.due = true
	c.workers.Go(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			c.post(mend{})
		case <-ctx.Done():
		}
	})
}

func (c *Control) mend(ctx context.Context) {
	clear(c.results)
	c.entries = entries{keys: c.cfg.Keys}
	c.replan(ctx)
	waits := make(map[string]struct{}, len(c.running))
	for key := range c.running {
		waits[key] = struct{}{}
	}
	c.mending.begin(time.Now(), waits)
	if !c.mending.waitsForFiles() {
		c.sendAgain()
	}
}

// mended takes the results of jobs.
func (c *Control) mended(keys map[string]result) {
	if c.mending.ended(keys) {
		c.sendAgain()
	}
}

// sendAgain builds and sends the failed resources again. A further failure starts the next mend.
func (c *Control) sendAgain() { c.step(delivery.ModulesRestored{}) }
