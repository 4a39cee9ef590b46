package control

import (
	"slices"
	"time"

	"github.com/wasm-xds/wasm-xds/internal/api"
	"github.com/wasm-xds/wasm-xds/internal/tags"
	"github.com/wasm-xds/wasm-xds/internal/track"
)

// syncs are the running syncs: requests for the outcome of the specs of now. They belong to Run's
// goroutine.
type syncs struct{ waiting []*syncRequest }

// syncRequest waits for a plan of the sets that arrived before the request.
type syncRequest struct {
	polled bool          // the followed tags are being polled, or were polled
	done   chan struct{} // closed when result is set
	result api.Sync
}

// add takes a request.
func (s *syncs) add(r *syncRequest) { s.waiting = append(s.waiting, r) }

// drop removes a request that nobody waits for any more.
func (s *syncs) drop(r *syncRequest) {
	s.waiting = slices.DeleteFunc(s.waiting, func(one *syncRequest) bool { return one == r })
}

// ready says whether the requests can be answered: the outcome of each spec is known, and no
// registry is being asked. ready makes polls due, for requests without one: an older poll may
// have missed a push.
func (s *syncs) ready(specs *track.Specs, known *tags.Table, now time.Time) bool {
	if len(s.waiting) == 0 {
		return false
	}
	if specs.Set() == nil {
		return true
	}
	if pending, reading := specs.Pending(); reading || len(pending) > 0 || known.Polling() {
		return false
	}
	return !s.poll(known, now)
}

// poll makes a poll due for each followed tag, if a request has not had one, and says whether
// any is.
func (s *syncs) poll(known *tags.Table, now time.Time) bool {
	asks := false
	for _, r := range s.waiting {
		asks = asks || !r.polled
		r.polled = true
	}
	return asks && known.PollNow(now)
}

// answer answers all requests.
func (s *syncs) answer(result api.Sync) {
	for _, r := range s.waiting {
		r.result = result
		close(r.done)
	}
	s.waiting = nil
}
