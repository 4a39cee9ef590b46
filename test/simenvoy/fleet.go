package simenvoy

import (
	"context"
	"sync"
)

// Fleet is many simulated Envoys.
type Fleet struct{ envoys []*Envoy }

// StartFleet starts n Envoys at once. Those that run already are closed when one
// cannot be started.
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

// Counts is the sum over all Envoys.
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

// Close ends all of them and waits.
func (f *Fleet) Close() {
	var closing sync.WaitGroup
	for _, e := range f.envoys {
		closing.Go(e.Close)
	}
	closing.Wait()
}
