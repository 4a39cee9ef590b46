package control

import (
	"time"

	"go.uber.org/zap"
)

const (
	// collectEvery is the time between two searches for unnamed modules.
	collectEvery = 10 * time.Second
	// collectGrace is the time for which a module stays after nothing names it any more. An Envoy
	// that got a push just before may still be about to fetch the module.
	collectGrace = 30 * time.Second
	// clockSlack is longer than a file's times may lag behind the clock.
	clockSlack = time.Second
)

// garbage schedules the removal of modules. The zero value has none to remove.
// See docs/RATIONALE.md#which-modules-are-deleted.
type garbage struct {
	due    time.Time // of the next search; zero: there is no reason for one
	looked time.Time
	// named has, for each module to keep, the last time at which something named the module. The
	// map is replaced, never changed.
	named map[string]time.Time
}

// collectSoon schedules a search, at least collectEvery after the last search.
func (c *Control) collectSoon() {
	if c.garbage.due.IsZero() {
		c.garbage.due = c.garbage.looked.Add(collectEvery)
	}
}

// collect removes the unnamed modules. The modules of running jobs stay: they
// are in a result, or are younger than the job.
func (c *Control) collect(now time.Time) {
	c.garbage.due = time.Time{}
	if c.fromState || !c.saves.state.Idle() {
		return // the state on disk may still name other modules; each save schedules a search
	}
	c.garbage.looked = now
	c.forgetAllResults()
	named := c.namedModules(now)
	for sum, seen := range c.garbage.named {
		if _, ok := named[sum]; !ok && now.Sub(seen) < collectGrace {
			named[sum] = seen
			c.collectSoon() // the module goes at a later search
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

// namedModules returns the modules of all servable revisions, and of all results of
// jobs.
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
