// Package reach keeps the Envoys that do not reach the module server.
//
// An Envoy is unreached if remote code was sent, no GET came, and the same code loaded inline. From
// then on code goes inline at once. Now and then an edit is a probe: it is sent as remote code and
// waits a moment for a GET. The first GET makes the Envoy reached again, even a late GET.
// See docs/RATIONALE.md#how-does-an-envoy-without-access-to-the-module-server-get-code.
package reach

import "time"

// The first edit after an Envoy became unreached is a probe. The next follows after
// FirstProbePause, and each pause is twice the pause before, up to MostProbePause.
const (
	FirstProbePause = time.Minute
	MostProbePause  = 15 * time.Minute
	// unreachedLimit bounds the remembered Envoys.
	unreachedLimit = 4096
)

// Envoy names an Envoy across connections.
type Envoy struct {
	Node string // the node id
	Host string // the remote address without the port
}

type unreached struct {
	since time.Time
	probe time.Time     // when the next edit is a probe
	pause time.Duration // the pause before that probe
	token string        // of the last remote push
}

// Reach has the unreached Envoys. The zero value has none. Not safe for concurrent use.
type Reach struct {
	unreached map[Envoy]*unreached
	tokens    map[string]Envoy // the tokens of remote pushes without a GET in time
}

// Since is since when an Envoy is unreached; false: the Envoy is reached, as far as is known.
func (r *Reach) Since(e Envoy) (time.Time, bool) {
	if u := r.unreached[e]; u != nil {
		return u.since, true
	}
	return time.Time{}, false
}

// Any says whether any Envoy is unreached. It saves the making of an [Envoy] where none is.
func (r *Reach) Any() bool { return len(r.unreached) > 0 }

// Probes says whether remote code may be sent to the Envoy now.
func (r *Reach) Probes(e Envoy, now time.Time) bool {
	u := r.unreached[e]
	return u == nil || !now.Before(u.probe)
}

// Pushed notes a remote push. To an unreached Envoy the push is a probe: the next probe waits.
func (r *Reach) Pushed(e Envoy, now time.Time) {
	if u := r.unreached[e]; u != nil {
		u.pause = min(max(2*u.pause, FirstProbePause), MostProbePause)
		u.probe = now.Add(u.pause)
	}
}

// Missed notes that no GET came in time for a push.
func (r *Reach) Missed(e Envoy, token string) {
	if r.tokens == nil {
		r.tokens = map[string]Envoy{}
	}
	r.tokens[token] = e
}

// Loaded notes that the code of a missed push has loaded inline, and says whether the Envoy became
// unreached by that.
func (r *Reach) Loaded(e Envoy, token string, now time.Time) (became bool) {
	if _, missed := r.tokens[token]; !missed {
		return false // the GET has come meanwhile
	}
	u := r.unreached[e]
	if u == nil {
		if r.unreached == nil {
			r.unreached = map[Envoy]*unreached{}
		}
		r.makeRoom()
		u, became = &unreached{since: now, probe: now}, true
		r.unreached[e] = u
	} else if u.token != token {
		delete(r.tokens, u.token)
	}
	u.token = token
	return became
}

// GaveUp notes that no inline push follows a missed push.
func (r *Reach) GaveUp(token string) {
	e, missed := r.tokens[token]
	if u := r.unreached[e]; missed && (u == nil || u.token != token) {
		delete(r.tokens, token)
	}
}

// Got notes a GET, and says whether the Envoy was unreached until now.
func (r *Reach) Got(e Envoy) (ended bool) {
	ended = r.unreached[e] != nil
	r.drop(e)
	return ended
}

// Late finds the Envoy of the GET of a missed push; false: the token is of no missed push.
func (r *Reach) Late(token string) (Envoy, bool) {
	e, missed := r.tokens[token]
	delete(r.tokens, token)
	return e, missed
}

// makeRoom drops the Envoy that is unreached for the longest time, if there are too many.
func (r *Reach) makeRoom() {
	if len(r.unreached) < unreachedLimit {
		return
	}
	var oldest Envoy
	for e, u := range r.unreached {
		if first := r.unreached[oldest]; first == nil || u.since.Before(first.since) {
			oldest = e
		}
	}
	r.drop(oldest)
}

func (r *Reach) drop(e Envoy) {
	if u := r.unreached[e]; u != nil {
		delete(r.tokens, u.token)
		delete(r.unreached, e)
	}
}
