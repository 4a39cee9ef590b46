package delivery

import (
	"strings"
	"time"
)

// reachKey names an Envoy across its connections: its id and the host that it connects from.
type reachKey struct{ node, host string }

func (n Node) reachKey() reachKey {
	host := n.Address
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return reachKey{n.ID, host}
}

// unreached is an Envoy that does not reach the module server: it was sent remote code, no GET
// came, and the same code loaded when it was sent inline. Code is sent inline at once to it, but
// for a probe now and then: an edit is sent remote and waits a moment for its GET. The state ends with the first
// GET, also one that comes late.
type unreached struct {
	since time.Time
	probe time.Time     // when the next edit is a probe
	pause time.Duration // before the one after that
	token string        // of the last remote push
}

// Probes of whether an Envoy reaches the module server: the first edit after the state has begun is one,
// and then one after firstProbePause and after twice the pause each, up to mostProbePause.
const (
	firstProbePause = time.Minute
	mostProbePause  = 15 * time.Minute
	// probeShare of FetchWait is how long a probe waits for its GET: half a second.
	probeShare = 6
	// unreachedLimit bounds the Envoys that are remembered so.
	unreachedLimit = 4096
)

// reach is which Envoys reach the module server, as far as is known. The zero value knows nothing.
type reach struct {
	unreached map[reachKey]*unreached
	// tokens are those of remote pushes that no GET came for in time.
	tokens map[string]reachKey
}

// probes says whether remote code may be sent to the Envoy now.
func (r *reach) probes(key reachKey, now time.Time) bool {
	e := r.unreached[key]
	return e == nil || !now.Before(e.probe)
}

// pushed is told of a remote push. One to an Envoy in that state is a probe: the next one waits.
func (r *reach) pushed(key reachKey, now time.Time) {
	if e := r.unreached[key]; e != nil {
		e.pause = min(max(2*e.pause, firstProbePause), mostProbePause)
		e.probe = now.Add(e.pause)
	}
}

// missed is told that no GET came for a push in time.
func (r *reach) missed(key reachKey, token string) {
	if r.tokens == nil {
		r.tokens = map[string]reachKey{}
	}
	r.tokens[token] = key
}

// loaded is told that the code of a missed push has loaded inline, and says whether the state
// begins with that.
func (r *reach) loaded(key reachKey, token string, now time.Time) (begins bool) {
	if _, missed := r.tokens[token]; !missed {
		return false // its GET has come meanwhile
	}
	e := r.unreached[key]
	if e == nil {
		if r.unreached == nil {
			r.unreached = map[reachKey]*unreached{}
		}
		r.makeRoom()
		e, begins = &unreached{since: now, probe: now}, true
		r.unreached[key] = e
	} else if e.token != token {
		delete(r.tokens, e.token)
	}
	e.token = token
	return begins
}

// makeRoom forgets the Envoy that has been in the state for the longest time, where there are too many.
func (r *reach) makeRoom() {
	if len(r.unreached) < unreachedLimit {
		return
	}
	var oldest reachKey
	for key, e := range r.unreached {
		if first := r.unreached[oldest]; first == nil || e.since.Before(first.since) {
			oldest = key
		}
	}
	r.forget(oldest)
}

func (r *reach) forget(key reachKey) {
	if e := r.unreached[key]; e != nil {
		delete(r.tokens, e.token)
		delete(r.unreached, key)
	}
}

// dropToken is told of a missed push that has no inline one after it.
func (r *reach) dropToken(token string) {
	key, there := r.tokens[token]
	if e := r.unreached[key]; there && (e == nil || e.token != token) {
		delete(r.tokens, token)
	}
}

// got is told of a GET, and says whether the state ends with it.
func (r *reach) got(key reachKey) (ends bool) {
	ends = r.unreached[key] != nil
	r.forget(key)
	return ends
}

// late is the Envoy that a missed push's GET comes from at last.
func (r *reach) late(token string) (reachKey, bool) {
	key, ok := r.tokens[token]
	delete(r.tokens, token)
	return key, ok
}

// unreachedProblem is what the status says of such an Envoy's filters, and of itself.
func unreachedProblem() *Problem {
	return &Problem{
		Code:    CodeFetchFailed,
		Message: "no GET for a module arrives from this Envoy; modules are sent inline",
		Hint:    "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address; the first GET ends this",
	}
}

// withoutModules says whether the subscriber's Envoy has its code inline because it does not reach
// the module server.
func (m *Machine) withoutModules(u *sub) bool {
	return len(m.reach.unreached) > 0 && m.reach.unreached[u.s.node.reachKey()] != nil
}

// noGET is told that no GET came for the subscriber's remote push.
func (m *Machine) noGET(u *sub) {
	u.note().noGET = u.fetch().token
	m.reach.missed(u.s.node.reachKey(), u.fetch().token)
	m.noRemoteHere(u)
}

// loadedInline is told of each inline push that was accepted.
func (m *Machine) loadedInline(u *sub) {
	token := u.get().noGET
	if token == "" {
		return
	}
	u.rare.noGET = ""
	if key := u.s.node.reachKey(); m.reach.loaded(key, token, m.now) {
		m.reachChanged(key, u.s.node, false)
	}
}

// forgetMissed is told that nothing follows from a missed GET: the code was refused inline, or the
// subscriber is gone.
func (m *Machine) forgetMissed(u *sub) {
	if token := u.get().noGET; token != "" {
		u.rare.noGET = ""
		m.reach.dropToken(token)
	}
}

// gotFrom is told of a GET of an Envoy.
func (m *Machine) gotFrom(key reachKey) {
	if m.reach.got(key) {
		m.reachChanged(key, Node{ID: key.node, Address: key.host}, true)
	}
}

// reachChanged reports it, and has the Envoy's subscribers looked at: their status reads differently.
func (m *Machine) reachChanged(key reachKey, n Node, reached bool) {
	m.actions = append(m.actions, ModulesReached{Node: n, Reached: reached})
	for _, id := range sortedKeys(m.streams) {
		if s := m.streams[id]; s.node.reachKey() == key {
			for _, u := range s.subs {
				m.touch(u)
			}
		}
	}
}

// Unreached is how many Envoys with a stream do not reach the module server.
func (m *Machine) Unreached() int {
	if len(m.reach.unreached) == 0 {
		return 0
	}
	there := map[reachKey]struct{}{}
	for _, s := range m.streams {
		if key := s.node.reachKey(); m.reach.unreached[key] != nil {
			there[key] = struct{}{}
		}
	}
	return len(there)
}
