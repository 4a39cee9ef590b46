package xds

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// mostPaceWait is the longest wait of a new stream. The requests of a waiting stream are held, and
// a connection that holds a request for 30 seconds ends (--request-timeout).
const mostPaceWait = 20 * time.Second

// pace lets new streams begin in turn, so a crowd that comes at once leaves the
// server time for the streams that are there. Safe for concurrent use.
type pace struct {
	limiter *rate.Limiter
	waiting atomic.Int64
}

func newPace(perSecond int) *pace {
	return &pace{limiter: rate.NewLimiter(rate.Limit(perSecond), perSecond)}
}

// enter waits for a stream's turn. false: the turn would come too late, or the client has left.
func (p *pace) enter(client context.Context) bool {
	if p.limiter.Allow() {
		return true
	}
	p.waiting.Add(1)
	defer p.waiting.Add(-1)
	ctx, end := context.WithTimeout(client, mostPaceWait)
	defer end()
	return p.limiter.Wait(ctx) == nil
}
