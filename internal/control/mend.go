package control

import (
	"context"
	"strings"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
	"github.com/wasm-xds/wasm-xds/internal/pause"
)

// mending is what is under way when a resource could not be built, because a module on the disk
// was not what its name says or could not be read: every module is brought again from where its
// spec says, and what could not be sent is sent then. Where there is nothing to bring it from,
// sending it again is all there is, for the cause may have passed.
type mending struct {
	due   bool // it begins later: it has just been done
	begun time.Time
	inRow int // how many came close to one another, this one included
	// waits are the jobs that bring modules for it.
	waits map[string]struct{}
}

// mendPauses lie between two mends: a disk that destroys everything must not keep the server busy.
var mendPauses = pause.Policy{First: 5 * time.Second, Most: time.Minute}

// next is when a mend may begin, for a build that has failed now.
func (m *mending) next(now time.Time) time.Time {
	if m.inRow == 0 || now.Sub(m.begun) > 2*mendPauses.Most {
		m.inRow = 0 // that is another matter
		return now
	}
	return m.begun.Add(mendPauses.After(m.inRow))
}

// begin notes that a mend begins, which waits for these jobs.
func (m *mending) begin(now time.Time, waits map[string]struct{}) {
	*m = mending{begun: now, inRow: m.inRow + 1, waits: waits}
}

// ended is told of jobs that have ended, and says whether it is time to send again: nothing
// local is waited for any more. A download may take an hour, and is worth a try of its own.
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

// mendSoon begins, at once or when it is due.
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

// mended is told of jobs that have ended.
func (c *Control) mended(keys map[string]result) {
	if c.mending.ended(keys) {
		c.sendAgain()
	}
}

// sendAgain tries what could not be built again. What fails once more begins the next mend.
func (c *Control) sendAgain() { c.step(delivery.ModulesRestored{}) }
