package control

import (
	"time"

	"go.uber.org/zap"
)

const (
	// collectEvery lies between two looks for modules that nothing names any more.
	collectEvery = 10 * time.Second
	// collectGrace is how long a module is kept that nothing names any more: an Envoy that was
	// sent it just before may still be about to fetch it.
	collectGrace = 30 * time.Second
	// clockSlack is more than a file's times may lag behind the clock.
	clockSlack = time.Second
)

// garbage is what is known of modules that can go. The zero value knows nothing.
type garbage struct {
	due    time.Time // of the next look; zero: there is no reason for one
	looked time.Time
	// named says of each module that is kept when it was seen last that something names it. It
	// is replaced, never changed.
	named map[string]time.Time
}

// collectSoon has a look taken, but not too often.
func (c *Control) collectSoon() {
	if c.garbage.due.IsZero() {
		c.garbage.due = c.garbage.looked.Add(collectEvery)
	}
}

// collect removes the modules that nothing names any more, and that no spec is about to:
// what a job has put is in its result, or younger than the job.
func (c *Control) collect(now time.Time) {
	c.garbage.due = time.Time{}
	if c.fromState || c.saving || !c.saveDue.IsZero() {
		return // the state on disk may name others still; each save calls for a look
	}
	c.garbage.looked = now
	c.forgetAllResults()
	named := c.namedModules(now)
	for sum, seen := range c.garbage.named {
		if _, ok := named[sum]; !ok && now.Sub(seen) < collectGrace {
			named[sum] = seen
			c.collectSoon() // it goes then
		}
	}
	c.garbage.named = named
	c.served.replace(named)
	oldest := now
	for _, began := range c.running {
		if began.Before(oldest) {
			oldest = began
		}
	}
	c.workers.Go(func() {
		removed, err := c.cfg.Store.Collect(
			func(sum string) bool { _, ok := named[sum]; return ok }, time.Since(oldest)+clockSlack)
		if err != nil {
			c.cfg.Logger.Warn("old modules could not be removed", zap.Error(err))
		}
		if removed > 0 {
			c.cfg.Logger.Info("modules that nothing names any more were removed", zap.Int("count", removed))
		}
	})
}

// namedModules are those of all revisions that may be served, and of what specs wait for.
func (c *Control) namedModules(now time.Time) map[string]time.Time {
	named := map[string]time.Time{}
	for _, r := range c.machine.Revisions() {
		named[r.Module.SHA256] = now
	}
	for _, r := range c.results {
		named[r.module.SHA256] = now
	}
	return named
}
