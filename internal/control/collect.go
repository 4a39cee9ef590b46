package control

import (
	"time"

	"github.com/wasm-xds/wasm-xds/internal/report"
	"github.com/wasm-xds/wasm-xds/internal/track"
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

// soon schedules a search, at least collectEvery after the last search.
func (g *garbage) soon() {
	if g.due.IsZero() {
		g.due = g.looked.Add(collectEvery)
	}
}

// isDue says whether a search is due.
func (g *garbage) isDue(now time.Time) bool { return !g.due.IsZero() && !now.Before(g.due) }

// begin notes that the search that was due is under way.
func (g *garbage) begin() { g.due = time.Time{} }

// search takes the modules that are named now, and returns the modules to keep.
func (g *garbage) search(named map[string]time.Time, now time.Time) map[string]time.Time {
	g.looked = now
	for sum, seen := range g.named {
		if _, ok := named[sum]; !ok && now.Sub(seen) < collectGrace {
			named[sum] = seen
			g.soon() // the module goes at a later search
		}
	}
	g.named = named
	return named
}

// namedModules returns the modules of all servable revisions, and of all results of reads.
func namedModules(v *report.View, now time.Time) map[string]time.Time {
	named := map[string]time.Time{}
	for _, r := range v.Machine.Revisions() {
		named[r.Module.SHA256] = now
	}
	v.Specs.Modules(func(sha256 string) { named[sha256] = now })
	return named
}

// oldest returns the start of the oldest read under way: it may have put a module into the store
// since, which nothing names yet. It is now if nothing is being read.
func oldest(specs *track.Specs, now time.Time) time.Time {
	for task := range specs.Running {
		if task.Began().Before(now) {
			now = task.Began()
		}
	}
	return now
}
