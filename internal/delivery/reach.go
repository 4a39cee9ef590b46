package delivery

import (
	"strings"
	"time"
)

// reachKey names an Envoy across connections: the node id and the remote host.
type reachKey struct{ node, host string }

func (n Node) reachKey() reachKey {
	host := n.Address
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return reachKey{n.ID, host}
}

// unreached is an Envoy that does not reach the module server: remote code was sent, no GET came,
// and the same code loaded inline. From then on code goes inline at once. Now and then an edit is a
// probe: it is sent as remote code and waits a moment for a GET. The first GET ends the state, even
// a late GET.
// See docs/RATIONALE.md#how-does-an-envoy-without-access-to-the-module-server-get-code.
type unreached struct {
	since time.Time
	probe time.Time     // when the next edit is a probe
	pause time.Duration // the pause before that probe; the following pause is twice as long
	token string        // of the last remote push
}

// Probes find out whether an Envoy reaches the module server. The first edit after the begin of the
// state is a probe. The next follows after firstProbePause, and each pause is twice the pause
// before, up to mostProbePause.
const (
	firstProbePause = time.Minute
	mostProbePause  = 15 * time.Minute
	// probeShare of FetchWait is how long a probe waits for a GET: half a second.
	probeShare = 6
	// unreachedLimit bounds the remembered Envoys.
	unreachedLimit = 4096
)

// reach has the Envoys that do not reach the module server. The zero value has none.
type reach struct {
	unreached map[reachKey]*unreached
	// tokens are the tokens of remote pushes without a GET in time.
	tokens map[string]reachKey
}

// probes says whether remote code may be sent to the Envoy now.
func (r *reach) probes(key reachKey, now time.Time) bool {
	e := r.unreached[key]
	return e == nil || !now.Before(e.probe)
}

// pushed notes a remote push. To an unreached Envoy the push is a probe: the next probe waits.
func (r *reach) pushed(key reachKey, now time.Time) {
	if e := r.unreached[key]; e != nil {
		e.pause = min(max(2*e.pause, firstProbePause), mostProbePause)
		e.probe = now.Add(e.pause)
	}
}

// missed notes that no GET came in time for a push.
func (r *reach) missed(key reachKey, token string) {
	if r.tokens == nil {
		r.tokens = map[string]reachKey{}
	}
	r.tokens[token] = key
}

// loaded notes that the code of a missed push has loaded inline, and says whether the state begins.
func (r *reach) loaded(key reachKey, token string, now time.Time) (begins bool) {
	if _, missed := r.tokens[token]; !missed {
		return false // the GET has come meanwhile
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

// makeRoom forgets the Envoy that is unreached for the longest time, if there are too many.
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

// dropToken notes a missed push that no inline push follows.
func (r *reach) dropToken(token string) {
	key, there := r.tokens[token]
	if e := r.unreached[key]; there && (e == nil || e.token != token) {
		delete(r.tokens, token)
	}
}

// got notes a GET, and says whether the state ends.
func (r *reach) got(key reachKey) (ends bool) {
	ends = r.unreached[key] != nil
	r.forget(key)
	return ends
}

// late finds the Envoy of a missed push's GET.
func (r *reach) late(token string) (reachKey, bool) {
	key, ok := r.tokens[token]
	delete(r.tokens, token)
	return key, ok
}

// unreachedProblem is the problem of an unreached Envoy and of its filters.
func unreachedProblem() *Problem {
	return &Problem{
		Code:    CodeFetchFailed,
		Message: "no GET for a module arrives from this Envoy; modules are sent inline",
		Hint:    "check that the cluster named by --modules-cluster in this Envoy reaches the module server at --modules-address; the first GET ends this",
	}
}

// withoutModules says whether the subscriber's Envoy does not reach the module server.
func (m *Machine) withoutModules(u *sub) bool {
	return len(m.reach.unreached) > 0 && m.reach.unreached[u.s.node.reachKey()] != nil
}

// noGET notes that no GET came for the subscriber's remote push.
func (m *Machine) noGET(u *sub) {
	u.note().noGET = u.fetch().token
	m.reach.missed(u.s.node.reachKey(), u.fetch().token)
	m.noRemoteHere(u)
}

// loadedInline is called for each accepted inline push.
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

// forgetMissed ends the wait after a missed GET: the code was refused inline, or the subscriber is
// gone.
func (m *Machine) forgetMissed(u *sub) {
	if token := u.get().noGET; token != "" {
		u.rare.noGET = ""
		m.reach.dropToken(token)
	}
}

// gotFrom notes a GET of an Envoy.
func (m *Machine) gotFrom(key reachKey) {
	if m.reach.got(key) {
		m.reachChanged(key, Node{ID: key.node, Address: key.host}, true)
	}
}

// reachChanged reports the change and looks at the Envoy's subscribers: their status may differ.
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

// Unreached is the number of connected Envoys that do not reach the module server.
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
