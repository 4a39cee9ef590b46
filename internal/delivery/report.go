package delivery

import (
	"fmt"
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/delivery/rollout"
)

// report decides which waits of a rollout are worth a [RolloutChanged], once per change: a slow
// canary, a suspect, a stop because Envoys were lost, and the end of each. Waits of a moment are
// not.
type report struct {
	slowAt time.Time // when to look for slow canaries; zero: no look is planned
	slow   bool      // there are slow canaries
	told   string    // the last report
}

// planLook plans a look for slow canaries, and says whether a timer is needed.
func (p *report) planLook(at, now time.Time) bool {
	if p.slowAt.After(now) {
		return false
	}
	p.slowAt = at
	return true
}

// takeLook says whether the time of the planned look has come.
func (p *report) takeLook(now time.Time) bool {
	if p.slowAt.After(now) || p.slowAt.IsZero() {
		return false
	}
	p.slowAt = time.Time{}
	return true
}

// foundSlow notes that a canary is slow.
func (p *report) foundSlow() { p.slow = true }

// isSilent says whether nothing was told, or only the end of the former waits.
func (p *report) isSilent() bool { return p.told == "" }

// mayTell says whether there may be something to tell although nothing was told yet.
func (p *report) mayTell() bool { return p.slow || p.told != "" }

// tell takes the usual waits out of the rollout, and says whether the rest is worth a report.
func (p *report) tell(r *Rollout, now time.Time) bool {
	r.Waits = slices.DeleteFunc(r.Waits, func(w rollout.Wait) bool { return w.IsUsual(now) })
	p.slow = p.slow && len(r.Waits) > 0
	text := ""
	switch {
	case r.Stopped != nil && r.Stopped.Code == CodeCanaryLost:
		text = fmt.Sprint(*r.Stopped)
	case r.Stopped != nil:
		r.Stopped = nil // the refusal has been reported
	default:
		for _, w := range r.Waits {
			text += fmt.Sprintf("%q %s %s\n", w.Node, w.Envoy, w.Reason)
		}
	}
	if text != "" {
		text = r.Revision + "\n" + text
	}
	if text == p.told {
		return false
	}
	p.told = text
	return true
}
