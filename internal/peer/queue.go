package peer

import "time"

const (
	mostGets  = 10_000           // that wait; further ones are dropped, and their modules go inline
	batchGets = 500              // in one message
	restGets  = 10 * time.Second // for a peer that does not answer
)

// gets are the GETs that peers have to hear of. Safe for concurrent use.
type gets struct {
	waiting chan Get
	resting map[string]time.Time // by peer: until when it is not told; only for Run
}

func newGets() gets {
	return gets{waiting: make(chan Get, mostGets), resting: map[string]time.Time{}}
}

// batch takes the GETs that wait.
func (g *gets) batch(first Get) []Get {
	all := []Get{first}
	for len(all) < batchGets {
		select {
		case next := <-g.waiting:
			all = append(all, next)
		default:
			return all
		}
	}
	return all
}
