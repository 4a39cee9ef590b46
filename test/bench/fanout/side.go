package fanout

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/wasm-xds/wasm-xds/test/bench/proc"
	"github.com/wasm-xds/wasm-xds/test/simenvoy"
)

// patience is the longest wait for any step of a run.
const patience = 15 * time.Minute

// side is a server with its Envoys.
type side struct {
	target
	clients int
	fleet   *simenvoy.Fleet
	goal    atomic.Pointer[goal]
}

// goal counts the Envoys that still miss a resource.
type goal struct {
	marker []byte // part of the configuration
	left   atomic.Int64
	done   chan struct{}
}

func newGoal(marker string, n int) *goal {
	g := &goal{marker: []byte(marker), done: make(chan struct{})}
	g.left.Store(int64(n))
	return g
}

func (s *side) updated(u simenvoy.Update) {
	g := s.goal.Load()
	if u.Err == nil && bytes.Contains(u.Resource, g.marker) && g.left.Add(-1) == 0 {
		close(g.done)
	}
}

// cost is the server's cost of an operation.
type cost struct {
	wall, cpu       time.Duration
	bytesIn, out    int64 // of all clients
	responses, acks int64
}

// measure runs do and waits until the goal is reached and the server is idle.
func (s *side) measure(ctx context.Context, g *goal, do func() error) (cost, error) {
	s.goal.Store(g)
	var before simenvoy.Counts
	if s.fleet != nil {
		before = s.fleet.Counts()
	}
	cpu, err := proc.CPU(s.pid())
	if err != nil {
		return cost{}, err
	}
	start := time.Now()
	if err := do(); err != nil {
		return cost{}, err
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-g.done:
	case <-late.C:
		return cost{}, fmt.Errorf("%d of the updates with %q have not arrived", g.left.Load(), g.marker)
	case <-ctx.Done():
		return cost{}, ctx.Err()
	}
	c := cost{wall: time.Since(start)}
	after, err := s.idle(ctx)
	if err != nil {
		return cost{}, err
	}
	c.cpu = after - cpu
	now := s.fleet.Counts()
	c.bytesIn, c.out = now.BytesIn-before.BytesIn, now.BytesOut-before.BytesOut
	c.responses, c.acks = now.Responses-before.Responses, now.ACKs-before.ACKs
	return c, nil
}

// idle waits until the server uses almost no CPU: all answers are processed and all files are
// written. idle returns the CPU time used up to that moment.
func (s *side) idle(ctx context.Context) (time.Duration, error) {
	const look, little = 25 * time.Millisecond, 500 * time.Microsecond
	tick := time.NewTicker(look)
	defer tick.Stop()
	last, err := proc.CPU(s.pid())
	for quiet := 0; err == nil && quiet < 2; {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
		var now time.Duration
		now, err = proc.CPU(s.pid())
		quiet++
		if now-last > little {
			quiet = 0
		}
		last = now
	}
	return last, err
}

// connect starts all Envoys at once and waits until each has every filter.
func (s *side) connect(ctx context.Context, c Case, names *simenvoy.Names, marker string) (cost, error) {
	return s.measure(ctx, newGoal(marker, s.clients*names.Len()), func() error {
		var err error
		s.fleet, err = simenvoy.StartFleet(ctx, s.clients, func(i int) simenvoy.Config {
			return simenvoy.Config{
				Address: s.address(), Mode: c.Mode, Names: names, Updated: s.updated, AtOnce: c.AtOnce,
				Node: simenvoy.NewNode(fmt.Sprintf("edge-%d", i), "edge"),
			}
		})
		return err
	})
}

func (s *side) close() error {
	if s.fleet != nil {
		s.fleet.Close()
	}
	return s.stop()
}
