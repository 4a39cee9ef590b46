package simenvoy

import (
	"context"
	"sync"
)

// Fleet is a group of simulated Envoys.
type Fleet struct{ envoys []*Envoy }

// StartFleet starts n Envoys at once. If an Envoy fails to start, StartFleet closes the running
// Envoys.
func StartFleet(ctx context.Context, n int, config func(i int) Config) (*Fleet, error) {
	f := &Fleet{envoys: make([]*Envoy, 0, n)}
	for i := range n {
		e, err := Start(ctx, config(i))
		if err != nil {
			f.Close()
			return nil, err
		}
		f.envoys = append(f.envoys, e)
	}
	return f, nil
}

// Counts returns the sum over all Envoys.
func (f *Fleet) Counts() Counts {
	var sum Counts
	for _, e := range f.envoys {
		c := e.Counts()
		sum.Responses += c.Responses
		sum.BytesIn += c.BytesIn
		sum.BytesOut += c.BytesOut
		sum.ACKs += c.ACKs
		sum.NACKs += c.NACKs
		sum.Streams += c.Streams
	}
	return sum
}

// Close closes all Envoys in parallel and waits.
func (f *Fleet) Close() {
	var closing sync.WaitGroup
	for _, e := range f.envoys {
		closing.Go(e.Close)
	}
	closing.Wait()
}
