package signal

import (
	"slices"
	"time"
)

// traps counts failed requests by the second of their arrival, because a single trap right after a
// push matters.
type traps []trapCount

type trapCount struct {
	at int64 // milliseconds since 1970
	n  uint64
}

const (
	mostTraps = 64 // entries
	fineTraps = 16 // of the newest, which are not merged
	trapSpan  = time.Second
)

// add counts n requests. Beyond the bounds, the two entries with the least time between them merge.
func (t *traps) add(n uint64, at int64) {
	all := *t
	if last := len(all) - 1; last >= 0 && at-all[last].at < trapSpan.Milliseconds() {
		all[last].n += n
		return
	}
	all = append(all, trapCount{at, n})
	if len(all) > mostTraps {
		best := 0
		for i := range len(all) - fineTraps - 1 {
			if all[i+1].at-all[i].at < all[best+1].at-all[best].at {
				best = i
			}
		}
		all[best].n += all[best+1].n
		all = slices.Delete(all, best+1, best+2)
	}
	*t = all
}

// between counts the failed requests of a span.
func (t traps) between(from, to int64) (n uint64) {
	for _, one := range t {
		if one.at >= from && one.at <= to {
			n += one.n
		}
	}
	return n
}
