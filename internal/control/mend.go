package control

import (
	"context"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery"
)

// mending is what is under way when a module on the disk was not what its name says:
// every module is brought again from where its spec says, and what could not be sent
// is sent then.
type mending struct {
	due     bool // it begins later: it has just been done
	running bool
	begun   time.Time
}

// mendEvery lies between two mends: a disk that destroys everything must not keep
// the server busy.
const mendEvery = 5 * time.Second

// mendSoon begins, at once or when it is due.
func (c *Control) mendSoon(ctx context.Context) {
	wait := time.Until(c.mending.begun.Add(mendEvery))
	switch {
	case c.mending.due:
	case wait <= 0:
		c.mend(ctx)
	default:
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
}

func (c *Control) mend(ctx context.Context) {
	c.mending = mending{running: true, begun: time.Now()}
	clear(c.results)
	c.entries = entries{keys: c.cfg.Keys}
	c.replan(ctx)
}

// mended tries what could not be sent again, as soon as nothing is being brought any more.
func (c *Control) mended() {
	if c.mending.running && len(c.running) == 0 {
		c.mending.running = false
		c.step(delivery.ModulesRestored{})
	}
}
